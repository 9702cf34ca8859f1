"""EKS clusters: created, updated and deleted over time, with a Kubernetes API of their own.

Source: EKS API reference; messages as users quote them in issues of eksctl and terraform-provider-aws.
"""

import logging
import threading
import zlib
from collections.abc import Callable, Mapping
from typing import Any, cast

from moto.core.responses import ActionResult

from local.aws import ec2_interfaces, eks_access, eks_bootstrap, eks_health, eks_logs, iam, network, quotas
from local.aws.eks_base import EksOperations
from local.aws.eks_rules import (
    DEFAULT_VERSION,
    OFFERED_VERSIONS,
    check_capacity,
    check_cidr,
    check_cluster_role,
    check_encryption,
    check_linked_role,
    check_logging,
    check_vpc_config,
    merged_logging,
)
from local.aws.eks_service_range import check_network_config, service_network
from local.aws.eks_state import LOCK, Cluster, Update, clusters_of
from local.aws.eks_versions import check_policy
from local.aws.interfaces import Cloud
from local.aws.refusals import refusal
from local.kubernetes.interfaces import ControlPlane

logger = logging.getLogger(__name__)

AUTHENTICATION_MODES = ("CONFIG_MAP", "API_AND_CONFIG_MAP", "API")


class CreationFailure(Exception):  # noqa: N818 - an outcome: the cluster is FAILED, with this as its health issue
    """May be raised by an on_cluster_ready callback."""


class ClusterOperations(EksOperations):
    def create_cluster(self) -> ActionResult:
        name = self.parameter("name")
        request = self._creation_request()
        existing = self.clusters.get(name)
        if existing is not None:
            token = self.parameter("clientRequestToken")
            if token and token == existing.client_request_token and request == existing.request:
                return ActionResult({"cluster": existing.describe()})
            raise refusal("ResourceInUseException", f"Cluster already exists with name: {name}", clusterName=name)
        if quotas.is_reached(self.current_account, self.region, quotas.CLUSTERS, len(self.clusters)):
            raise refusal("ResourceLimitExceededException", "Cluster limit exceeded for account.", clusterName=name)
        cluster = self._new_cluster(name, request)
        self.clusters[name] = cluster
        self._admit_creator(cluster)
        self._bring_up(cluster)
        eks_logs.write(self.cloud, cluster)
        return ActionResult({"cluster": cluster.describe()})

    def _creation_request(self) -> dict[str, Any]:
        names = ("name", "version", "roleArn", "resourcesVpcConfig", "logging", "accessConfig", "encryptionConfig")
        request = {name: self.parameter(name) for name in names}
        request["bootstrapSelfManagedAddons"] = self.parameter("bootstrapSelfManagedAddons", True)
        request["deletionProtection"] = self.parameter("deletionProtection", False)
        request["kubernetesNetworkConfig"] = self.parameter("kubernetesNetworkConfig", {})
        request["upgradePolicy"] = self.parameter("upgradePolicy", {"supportType": "EXTENDED"})
        request["tags"] = self.tags_parameter()
        return request

    def _new_cluster(self, name: str, request: dict[str, Any]) -> Cluster:
        version = request["version"] or DEFAULT_VERSION
        if version not in OFFERED_VERSIONS:
            raise refusal("InvalidParameterException", f"unsupported Kubernetes version {version}", clusterName=name)
        check_policy(request["upgradePolicy"]["supportType"], version)
        cluster_arn = f"arn:{self.partition}:eks:{self.region}:{self.current_account}:cluster/{name}"
        check_cluster_role(request["roleArn"], self.partition, cluster_arn)
        check_linked_role(self.current_account, self.partition)
        check_encryption(request["encryptionConfig"])
        check_logging(request["logging"])
        access = {"authenticationMode": "CONFIG_MAP", "bootstrapClusterCreatorAdminPermissions": True}
        access |= request["accessConfig"] or {}
        ec2 = network.backend(self.current_account, self.region)
        subnets = check_vpc_config(ec2, request["resourcesVpcConfig"] or {})
        check_network_config(ec2, request["kubernetesNetworkConfig"], subnets[0].vpc_id, self.region)
        check_capacity(ec2, name, subnets)
        wanted = request["resourcesVpcConfig"]
        group = ec2.create_security_group(
            f"eks-cluster-sg-{name}-{zlib.crc32(name.encode())}",
            "EKS created security group applied to ENI that is attached to EKS Control Plane master nodes, "
            "as well as any managed workloads.",
            vpc_id=subnets[0].vpc_id,
            tags={"aws:eks:cluster-name": name, f"kubernetes.io/cluster/{name}": "owned"},
        )
        ec2.authorize_security_group_ingress(
            group.id, "-1", "", "", [], source_groups=[{"GroupId": group.id}], vpc_id=subnets[0].vpc_id
        )
        groups = [group.id, *wanted.get("securityGroupIds", [])]
        first_of_zone = list({subnet.availability_zone: subnet for subnet in subnets}.values())[:2]
        interfaces = [network.create_interface(ec2, subnet, groups, f"Amazon EKS {name}") for subnet in first_of_zone]
        for interface in interfaces:
            ec2_interfaces.hold(interface, requester_managed=False)
        return Cluster(
            name=name,
            arn=cluster_arn,
            account_id=self.current_account,
            region=self.region,
            partition=self.partition,
            role_arn=request["roleArn"],
            version=version,
            vpc_config={
                "subnetIds": wanted["subnetIds"],
                "securityGroupIds": wanted.get("securityGroupIds", []),
                "clusterSecurityGroupId": group.id,
                "vpcId": subnets[0].vpc_id,
                "endpointPublicAccess": wanted.get("endpointPublicAccess", True),
                "endpointPrivateAccess": wanted.get("endpointPrivateAccess", False),
                "publicAccessCidrs": wanted.get("publicAccessCidrs") or ["0.0.0.0/0"],
            },
            network_config=service_network(ec2, request["kubernetesNetworkConfig"], subnets[0].vpc_id),
            upgrade_policy=dict(request["upgradePolicy"]),
            logging=merged_logging(request["logging"]),
            access_config=access,
            encryption_config=request["encryptionConfig"] or [],
            deletion_protection=request["deletionProtection"],
            self_managed_addons=request["bootstrapSelfManagedAddons"],
            client_request_token=self.parameter("clientRequestToken"),
            tags=request["tags"],
            request=request,
            interface_ids=[interface.id for interface in interfaces],
        )

    def _admit_creator(self, cluster: Cluster) -> None:
        """The creator becomes an administrator unless asked not to. Source: EKS guide, "Grant IAM users access"."""
        if not cluster.access_config["bootstrapClusterCreatorAdminPermissions"]:
            return
        caller = iam.caller_of(self.access_key, self.current_account, self.partition)
        entry = eks_access.new_entry(cluster, caller.iam_arn)
        if cluster.access_config["authenticationMode"] == "CONFIG_MAP":
            entry.kubernetes_groups = ["system:masters"]
            cluster.creator = entry
        else:
            eks_access.associate(entry, eks_access.policy_arn(cluster.partition, "AmazonEKSClusterAdminPolicy"))
            self.grant(cluster, entry)

    def _bring_up(self, cluster: Cluster) -> None:
        """Starts the Kubernetes API beside the clock: the cluster is ACTIVE when both are through."""
        cloud, failures = self.cloud, list[Exception]()
        is_up = cloud.clock.begin("cluster")

        def start() -> None:
            try:
                plane = cloud.control_planes.start(cluster.name, eks_access.authenticator(cluster).authenticate)
                cluster.control_plane = plane
                eks_bootstrap.prepare(plane)
            except Exception as error:
                if not cloud.stopping:
                    logger.exception("the Kubernetes API of cluster %s did not start", cluster.name)
                failures.append(error)

        starter = threading.Thread(target=start, name=f"start {cluster.name}", daemon=True)
        starter.start()

        def finish() -> None:
            starter.join()
            plane = cluster.control_plane
            try:
                for callback in list(cloud.on_cluster_ready) if plane is not None and not failures else []:
                    callback(cluster, cast(ControlPlane, plane))
            except CreationFailure as failure:
                failures.append(failure)
            except Exception as error:
                if not cloud.stopping:
                    logger.exception("cluster %s did not become ready", cluster.name)
                failures.append(error)
            with LOCK:
                cluster.status = "FAILED" if failures else "ACTIVE"
                cluster.issues = [
                    {"code": "InternalFailure", "message": str(error), "resourceIds": [cluster.name]}
                    for error in failures
                ]
            is_up()

        cloud.clock.later("cluster", finish)

    def describe_cluster(self) -> ActionResult:
        cluster = self.cluster()
        health = {"issues": [*cluster.issues, *eks_health.issues(cluster)]}
        return ActionResult({"cluster": {**cluster.describe(), "health": health}})

    def list_clusters(self) -> ActionResult:
        return ActionResult(self.page(list(self.clusters), "clusters"))

    def update_cluster_config(self) -> ActionResult:
        cluster = self.cluster()
        if cluster.status != "ACTIVE":
            raise refusal(
                "ResourceInUseException",
                f"Cannot update cluster {cluster.name} while it is in status {cluster.status}",
                clusterName=cluster.name,
            )
        wanted = {name: self.parameter(name) for name in _CHANGES}
        asked = [name for name, value in wanted.items() if value is not None]
        if len(asked) != 1:
            raise refusal("InvalidParameterException", "Exactly one kind of update is allowed per request")
        update = _CHANGES[asked[0]](cluster, wanted[asked[0]])
        cluster.updates[update.id] = update
        cluster.status = "UPDATING"
        eks_logs.write(self.cloud, cluster)

        def finish() -> None:
            update.status = "Successful"
            if cluster.status == "UPDATING":
                cluster.status = "ACTIVE"

        self.later("cluster update", finish)
        return ActionResult({"update": update.describe()})

    def describe_update(self) -> ActionResult:
        update_id = self.parameter("updateId")
        found = self.cluster().updates.get(update_id)
        if found is None:
            raise refusal("ResourceNotFoundException", f"No update found for ID: {update_id}")
        return ActionResult({"update": found.describe()})

    def list_updates(self) -> ActionResult:
        updates = self.cluster().updates.values()
        addon = self.parameter("addonName")
        return ActionResult(self.page([u.id for u in updates if u.addon_name == addon], "updateIds"))

    def delete_cluster(self) -> ActionResult:
        cluster = self.cluster()
        if cluster.deletion_protection and cluster.status not in ("CREATING", "FAILED"):  # it protects what works
            raise refusal("InvalidRequestException", "Cluster deletion protection is enabled", clusterName=cluster.name)
        if cluster.status in ("CREATING", "UPDATING"):
            raise refusal(
                "ResourceInUseException",
                f"Cannot delete because cluster {cluster.name} currently has status {cluster.status}",
                clusterName=cluster.name,
            )
        for nodegroup in cluster.nodegroups:
            message = "Cluster has nodegroups attached"  # cloud-nuke#148, provider-upjet-aws#912
            raise refusal("ResourceInUseException", message, clusterName=cluster.name, nodegroupName=nodegroup)
        if cluster.profiles:
            message = "Cluster has Fargate Profiles in ACTIVE/CREATING state"  # cluster-api-provider-aws#4728
            raise refusal("ResourceInUseException", message, clusterName=cluster.name)
        if cluster.status != "DELETING":
            cluster.status = "DELETING"
            self.cloud.clock.later("cluster deletion", lambda: take_down(self.cloud, cluster))
        return ActionResult({"cluster": cluster.describe()})


def take_down(cloud: Cloud, cluster: Cluster) -> None:
    """Stops the API; what EKS made in EC2, its interfaces and the cluster security group, goes a while later.

    Source: terraform-provider-aws#11473, #30640, cluster-api-provider-aws#5150.
    """
    for callback in list(cloud.on_cluster_deleted):
        callback(cluster)
    if cluster.control_plane is not None:
        cluster.control_plane.stop()
    eks_logs.write(cloud, cluster)
    with LOCK:
        clusters_of(cluster.account_id, cluster.region).pop(cluster.name, None)
    cloud.clock.later("control plane interface", lambda: _clean_up(cloud, cluster))


def _clean_up(cloud: Cloud, cluster: Cluster) -> None:
    """The group stays for good when something else than EKS's own interfaces uses it."""
    ec2 = network.backend(cluster.account_id, cluster.region)
    for interface in [eni for eni in list(ec2.enis.values()) if eni.id in cluster.interface_ids]:
        network.delete_interface(ec2, interface)
    if any(network.is_node_of(interface, cluster.security_group_id) for interface in list(ec2.enis.values())):
        cloud.clock.later("pod interface", lambda: _clean_up(cloud, cluster))
    else:
        network.delete_group_if_free(ec2, cluster.security_group_id)


def _change_endpoint(cluster: Cluster, wanted: dict[str, Any]) -> Update:
    changed = {**cluster.vpc_config, **{name: value for name, value in wanted.items() if value is not None}}
    if not changed["endpointPublicAccess"] and not changed["endpointPrivateAccess"]:
        raise refusal("InvalidParameterException", "Private and public endpoint access cannot both be disabled")
    for cidr in wanted.get("publicAccessCidrs") or []:
        check_cidr(cidr)
    if changed == cluster.vpc_config:
        raise refusal("InvalidParameterException", "Cluster is already at the desired configuration")
    cluster.vpc_config = changed
    params = [{"type": name[0].upper() + name[1:], "value": str(value).lower()} for name, value in wanted.items()]
    return Update("EndpointAccessUpdate", params)


def _change_logging(cluster: Cluster, wanted: dict[str, Any]) -> Update:
    check_logging(wanted)
    changed = merged_logging(wanted, cluster.logging)
    if changed == cluster.logging:
        raise refusal("InvalidParameterException", "No changes needed for the logging config provided")
    cluster.logging = changed
    return Update("LoggingUpdate", [{"type": "ClusterLogging", "value": str(wanted)}])


def _change_access(cluster: Cluster, wanted: dict[str, Any]) -> Update:
    """The mode can only move towards API."""
    current = cluster.access_config["authenticationMode"]
    asked = str(wanted.get("authenticationMode", current))
    if AUTHENTICATION_MODES.index(asked) <= AUTHENTICATION_MODES.index(current):
        raise refusal("InvalidParameterException", f"Unsupported authentication mode update from {current} to {asked}")
    cluster.access_config["authenticationMode"] = asked
    return Update("AccessConfigUpdate", [{"type": "AuthenticationMode", "value": asked}])


def _change_protection(cluster: Cluster, wanted: bool) -> Update:
    cluster.deletion_protection = wanted
    return Update("DeletionProtectionUpdate", [{"type": "DeletionProtection", "value": str(wanted).lower()}])


def _change_policy(cluster: Cluster, wanted: dict[str, Any]) -> Update:
    policy = str(wanted["supportType"])
    if policy == cluster.upgrade_policy["supportType"]:
        raise refusal("InvalidParameterException", "Cluster is already at the desired configuration")
    check_policy(policy, cluster.version)
    cluster.upgrade_policy = {"supportType": policy}
    return Update("UpgradePolicyUpdate", [{"type": "UpgradePolicy", "value": policy}])


_CHANGES: Mapping[str, Callable[[Cluster, Any], Update]] = {
    "resourcesVpcConfig": _change_endpoint,
    "logging": _change_logging,
    "accessConfig": _change_access,
    "deletionProtection": _change_protection,
    "upgradePolicy": _change_policy,
}
