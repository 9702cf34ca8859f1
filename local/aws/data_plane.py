"""What one cluster's Fargate pods get from AWS: a place in a subnet, and a mount of EFS if the network allows it."""

import itertools
import re
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from moto.ec2.models.elastic_network_interfaces import NetworkInterface
from moto.ec2.models.subnets import Subnet

from local.aws import (
    ec2_interfaces,
    efs_mounts,
    eks_access,
    eks_endpoint,
    fargate_rules,
    fargate_usage,
    network,
    registries,
)
from local.aws.eks_state import LOCK, Cluster, FargateProfile
from local.aws.interfaces import Cloud
from local.kubernetes.interfaces import Mount, MountRefused, Placement, PlacementRefused, PullRefused

# What /proc/mounts shows of a mount with TLS: the NFS client talks to the local end of the tunnel.
MOUNT_OPTIONS = (
    "{access},relatime,vers=4.1,rsize=1048576,wsize=1048576,namlen=255,hard,noresvport,proto=tcp,"
    "port={port},timeo=600,retrans=2,sec=sys,clientaddr=127.0.0.1,local_lock=none,addr=127.0.0.1"
)
FIRST_TUNNEL_PORT = 20049
TUNNEL_PORTS = 400


class ClusterDataPlane:
    """DataPlane of one cluster, deciding from the live state of EC2, EKS and EFS at the moment it is asked."""

    def __init__(self, cloud: Cloud, cluster: Cluster) -> None:
        self._cloud = cloud
        self._directory = cloud.directory / "efs"
        self._cluster = cluster
        self._ec2 = network.backend(cluster.account_id, cluster.region)
        self._place = (cluster.account_id, cluster.region)
        self._turns: defaultdict[str, Iterator[int]] = defaultdict(itertools.count)
        self._tunnels = itertools.count()
        self._lock = threading.Lock()
        self._execution_roles: dict[str, str] = {}
        """By the node's name, of the profile that placed its pod."""
        self._released: set[str] = set()
        """Interfaces without a node, which go soon."""

    def place(self, namespace: str, labels: Mapping[str, str], vcpus: float) -> Placement | None:
        """A node in a subnet of the matching profile, zones in turn for each namespace; None when no ACTIVE profile
        matches. Raises PlacementRefused.

        The node's interface carries the cluster security group, as Fargate's does.
        Source: EKS guide, "Define which Pods use Fargate when launched" (of several profiles: the first by name).
        """
        with self._lock:
            profile = self._matching_profile(namespace, labels)
            if profile is None:
                return None
            self._check_role(profile)
            subnets = [network.find_subnet(self._ec2, subnet_id) for subnet_id in profile.subnets]
            present = sorted((s for s in subnets if s is not None), key=lambda subnet: str(subnet.availability_zone))
            first = next(self._turns[namespace])
            for offset in range(len(present)):
                subnet = present[(first + offset) % len(present)]
                try:
                    interface = network.create_interface(
                        self._ec2, subnet, [self._cluster.security_group_id], network.NODE_DESCRIPTION
                    )
                except network.NoFreeAddress:
                    continue
                if refusal := fargate_rules.refusal(self._cluster.account_id, subnet):
                    network.delete_interface(self._ec2, interface)
                    raise PlacementRefused(refusal)
                placement = self._placement(subnet, str(interface.private_ip_address), profile.name)
                if not fargate_usage.start(*self._place, self._name(placement), vcpus):
                    network.delete_interface(self._ec2, interface)
                    raise PlacementRefused(fargate_rules.LIMIT_REACHED)
                ec2_interfaces.hold(interface)
                self._execution_roles[placement.node_name] = profile.pod_execution_role_arn
                self._cluster.node_versions[placement.node_name] = self._cluster.version
                return placement
            return None

    def release(self, placement: Placement) -> None:
        """The node's interface goes some time after its pod; a placement already released is left alone."""
        with self._lock:
            interface = self._interface(placement)
            if interface is not None:
                self._released.add(interface.id)
                self._cluster.node_versions.pop(placement.node_name, None)
                ec2_interfaces.let_go(self._cloud, self._ec2, "pod interface", [interface])
                fargate_usage.end(*self._place, self._name(placement))

    def is_reached(self, placement: Placement) -> bool:
        """The control plane's interfaces have the cluster security group, as the nodes' have."""
        groups = [self._cluster.security_group_id, *self._cluster.vpc_config["securityGroupIds"]]
        node, port = [self._cluster.security_group_id], 10250
        own = f"Amazon EKS {self._cluster.name}"
        return any(
            network.security_groups_admit(self._ec2, node, port, str(interface.private_ip_address), groups)
            for interface in list(self._ec2.enis.values())
            if interface.description == own
        )

    def joins(self, placement: Placement) -> bool:
        """As the cluster's endpoint lets the node in."""
        interface = self._interface(placement)
        return interface is not None and eks_endpoint.admits_node(self._cluster, interface)

    def mount(self, placement: Placement, volume_handle: str, attributes: Mapping[str, str]) -> Mount:
        """The file system's directory. Raises MountRefused with the message of the kubelet of a real node."""
        volume = efs_mounts.parse_handle(volume_handle)
        asked = efs_mounts.check_attributes(attributes)
        interface = self._interface(placement)
        if interface is None:
            raise MountRefused(f"node {placement.node_name} is gone")
        granted = efs_mounts.open_mount(
            self._ec2,
            efs_mounts.Node(
                account_id=self._cluster.account_id,
                region=self._cluster.region,
                partition=self._cluster.partition,
                interface=interface,
            ),
            volume,
            asked,
        )
        tls = asked.tls
        directory = efs_mounts.prepare_directory(self._directory, volume, granted)
        port = FIRST_TUNNEL_PORT + next(self._tunnels) % TUNNEL_PORTS if tls else 2049
        options = MOUNT_OPTIONS.format(access="rw" if granted.writable else "ro", port=port)
        source = "127.0.0.1:/" if tls else f"{granted.address}:/"
        if not tls:
            options = options.replace("clientaddr=127.0.0.1", f"clientaddr={placement.ip_address}")
            options = options.replace("addr=127.0.0.1", f"addr={granted.address}")
        return Mount(
            directory=directory,
            source=source,
            fs_type="nfs4",
            options=options,
            root_is_squashed=not efs_mounts.may_write_root(granted),
        )

    def pull(self, placement: Placement, registry: str, path: str) -> None:
        """Raises PullRefused as the subnet's routes, the registry and the pod execution role have it."""
        interface = self._interface(placement)
        if interface is None:
            raise PullRefused(f"node {placement.node_name} is gone")
        role_arn = self._execution_roles[placement.node_name]
        registries.pull(registries.Node(self._ec2, network.End.of(interface), role_arn), registry, path)

    def _matching_profile(self, namespace: str, labels: Mapping[str, str]) -> FargateProfile | None:
        with LOCK:
            active = [profile for profile in self._cluster.profiles.values() if profile.status == "ACTIVE"]
        return next(
            (
                p
                for p in sorted(active, key=lambda p: p.name)
                if any(_selects(s, namespace, labels) for s in p.selectors)
            ),
            None,
        )

    def _check_role(self, profile: FargateProfile) -> None:
        """Nodes join through the role's access entry. Text: terraform-aws-modules/terraform-aws-eks#2912, #2972."""
        with LOCK:
            admitted = eks_access.admits_nodes(self._cluster, profile.pod_execution_role_arn)
        if not admitted:
            raise PlacementRefused(
                f"Misconfigured Fargate Profile: fargate profile {profile.name} blocked for new launches due to: Pod "
                "execution role is not found in auth config or does not have all required permissions for launching "
                "fargate pods."
            )

    def _name(self, placement: Placement) -> str:
        """Addresses, of which nodes have their names, are given again in other networks."""
        return f"{self._cluster.arn}/{placement.node_name}"

    def _placement(self, subnet: Subnet, address: str, profile_name: str) -> Placement:
        region = self._cluster.region
        domain = "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"
        return Placement(
            node_name=f"fargate-ip-{address.replace('.', '-')}.{domain}",
            subnet_id=subnet.id,
            availability_zone=str(subnet.availability_zone),
            availability_zone_id=str(subnet.availability_zone_id),
            ip_address=address,
            profile_name=profile_name,
            kubelet_version=f"v{self._cluster.version}.0-eks",
        )

    def _interface(self, placement: Placement) -> NetworkInterface | None:
        return next(
            (
                interface
                for interface in list(self._ec2.enis.values())
                if interface.subnet.id == placement.subnet_id
                and interface.private_ip_address == placement.ip_address
                and interface.id not in self._released
            ),
            None,
        )


def _selects(selector: Mapping[str, Any], namespace: str, labels: Mapping[str, str]) -> bool:
    """Namespace and every label match; both may use * and ?."""
    wanted = selector.get("labels") or {}
    return _matches(str(selector["namespace"]), namespace) and all(
        name in labels and _matches(str(value), labels[name]) for name, value in wanted.items()
    )


def _matches(pattern: str, value: str) -> bool:
    return fnmatchcase(value, re.sub(r"\[", "[[]", pattern))
