"""A Fargate pod gets a place where a profile says, and its mount only if the network would allow it."""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.efs.models import efs_backends

from local import vpcs
from local.aws import fargate_usage, quotas
from local.aws.administrators import administrator_of
from local.aws.data_plane import ClusterDataPlane
from local.aws.eks_state import clusters_of
from local.kubernetes.interfaces import Mount, MountRefused, Placement, PlacementRefused, PullRefused

ROLE = "arn:aws:iam::123456789012:role/pods"


def make_profile(parts: Any, name: str, selectors: list[dict[str, Any]], **more: Any) -> None:
    parts.client("eks").create_fargate_profile(
        clusterName="demo", fargateProfileName=name, podExecutionRoleArn=ROLE, selectors=selectors, **more
    )
    parts.clock.pass_time()


@pytest.fixture
def plane(parts: Any, cluster: Any) -> ClusterDataPlane:
    parts.role("pods", "eks-fargate-pods.amazonaws.com")
    make_profile(parts, "default", [{"namespace": "default"}])
    return ClusterDataPlane(parts, clusters_of("123456789012", "ap-northeast-1")["demo"])


@dataclass
class Storage:
    """A file system mountable from both zones, and what a test changes about it."""

    parts: Any
    plane: ClusterDataPlane
    vpc_id: str
    file_system_id: str
    group_id: str
    target_ids: dict[str, str]

    def pod(self, zone: str = "ap-northeast-1a") -> Placement:
        placements = [self.plane.place("default", {}, 0.25) for _ in range(2)]
        return next(p for p in placements if p is not None and p.availability_zone == zone)

    def mount(self, handle: str | None = None, attributes: Mapping[str, str] | None = None) -> Mount:
        return self.plane.mount(self.pod(), handle or self.file_system_id, attributes or {})

    def refusal(self, handle: str | None = None, attributes: Mapping[str, str] | None = None) -> str:
        with pytest.raises(MountRefused) as refused:
            self.mount(handle, attributes)
        return refused.value.message

    def set_policy(self, *statements: dict[str, Any]) -> None:
        policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        self.parts.client("efs").put_file_system_policy(FileSystemId=self.file_system_id, Policy=policy)

    def access_point(self, path: str, **creation: Any) -> str:
        made = self.parts.client("efs").create_access_point(
            FileSystemId=self.file_system_id, ClientToken=path, RootDirectory={"Path": path, **creation}
        )
        return f"{self.file_system_id}::{made['AccessPointId']}"


@pytest.fixture
def storage(parts: Any, plane: ClusterDataPlane, network: Any) -> Storage:
    ec2, efs = parts.client("ec2"), parts.client("efs")
    group = ec2.create_security_group(GroupName="nfs", Description="nfs", VpcId=network.vpc_id)["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 2049, "ToPort": 2049, "IpRanges": [{"CidrIp": "192.168.0.0/16"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    file_system = efs.create_file_system(CreationToken="t", Encrypted=True)["FileSystemId"]
    parts.clock.pass_time()
    made = [
        efs.create_mount_target(FileSystemId=file_system, SubnetId=subnet, SecurityGroups=[group])
        for subnet in network.private_subnets
    ]
    parts.clock.pass_time()
    ids = {target["AvailabilityZoneName"]: target["MountTargetId"] for target in made}
    return Storage(parts, plane, network.vpc_id, file_system, group, ids)


# Placement


def test_pods_are_placed_in_the_profiles_subnets_zone_after_zone(plane: ClusterDataPlane, network: Any) -> None:
    placements = [plane.place("default", {}, 0.25) for _ in range(4)]
    zones = [p.availability_zone for p in placements if p is not None]
    assert zones in (["ap-northeast-1a", "ap-northeast-1c"] * 2, ["ap-northeast-1c", "ap-northeast-1a"] * 2)
    assert len({p.node_name for p in placements if p is not None}) == 4
    first = placements[0]
    assert first is not None
    assert first.subnet_id in network.private_subnets
    assert first.node_name == f"fargate-ip-{first.ip_address.replace('.', '-')}.ap-northeast-1.compute.internal"


def test_a_pod_no_profile_selects_gets_no_place(parts: Any, plane: ClusterDataPlane) -> None:
    make_profile(parts, "labelled", [{"namespace": "team-*", "labels": {"tier": "web?"}}])
    assert plane.place("other", {}, 0.25) is None
    assert plane.place("team-a", {"tier": "db"}, 0.25) is None
    assert plane.place("team-a", {}, 0.25) is None
    assert plane.place("team-a", {"tier": "web1", "more": "x"}, 0.25) is not None


def test_a_profile_that_is_not_active_places_no_pods(parts: Any, plane: ClusterDataPlane) -> None:
    parts.client("eks").create_fargate_profile(
        clusterName="demo", fargateProfileName="new", podExecutionRoleArn=ROLE, selectors=[{"namespace": "new"}]
    )
    assert plane.place("new", {}, 0.25) is None
    parts.clock.pass_time()
    assert plane.place("new", {}, 0.25) is not None


def make_role_again(parts: Any) -> None:
    parts.client("iam").delete_role(RoleName="pods")
    parts.role("pods", "eks-fargate-pods.amazonaws.com")


def remove_entry(parts: Any) -> None:
    parts.client("eks").delete_access_entry(clusterName="demo", principalArn=ROLE)
    parts.clock.pass_time()


def turn_entry_into_a_persons(parts: Any) -> None:
    remove_entry(parts)
    parts.client("eks").create_access_entry(clusterName="demo", principalArn=ROLE)
    parts.clock.pass_time()


@pytest.mark.parametrize("happened", [make_role_again, remove_entry, turn_entry_into_a_persons])
def test_fargate_starts_nothing_while_the_cluster_does_not_know_the_pods_role(
    happened: Callable[[Any], None], parts: Any, plane: ClusterDataPlane
) -> None:
    happened(parts)
    with pytest.raises(PlacementRefused, match="Pod execution role is not found in auth config"):
        plane.place("default", {}, 0.25)
    assert plane.place("another", {}, 0.25) is None
    eks, role = parts.client("eks"), {"clusterName": "demo", "principalArn": ROLE}
    if ROLE in eks.list_access_entries(clusterName="demo")["accessEntries"]:
        eks.delete_access_entry(**role)
    eks.create_access_entry(**role, type="FARGATE_LINUX")
    with pytest.raises(PlacementRefused):
        plane.place("default", {}, 0.25)
    parts.clock.pass_time()
    assert plane.place("default", {}, 0.25) is not None


def test_more_than_the_quota_allows_waits_until_something_ends(
    parts: Any, plane: ClusterDataPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fargate_usage, "_running", defaultdict(dict))
    monkeypatch.setitem(quotas.APPLIED, ("123456789012", "ap-northeast-1", quotas.FARGATE_VCPUS), 1.25)
    small, large = plane.place("default", {}, 0.25), plane.place("default", {}, 1)
    assert small is not None
    assert large is not None
    here = len(parts.client("ec2").describe_network_interfaces()["NetworkInterfaces"])
    with pytest.raises(PlacementRefused, match="reached the limit on the number of Fargate pods"):
        plane.place("default", {}, 0.25)
    assert len(parts.client("ec2").describe_network_interfaces()["NetworkInterfaces"]) == here
    plane.release(small)
    assert plane.place("default", {}, 0.25) is not None


def test_a_node_holds_an_interface_with_the_cluster_security_group_until_some_time_after_its_release(
    parts: Any, plane: ClusterDataPlane, cluster: Any
) -> None:
    placement = plane.place("default", {}, 0.25)
    assert placement is not None
    filters = [{"Name": "private-ip-address", "Values": [placement.ip_address]}]
    found = parts.client("ec2").describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
    assert [g["GroupId"] for g in found[0]["Groups"]] == [cluster["resourcesVpcConfig"]["clusterSecurityGroupId"]]
    plane.release(placement)
    plane.release(placement)
    assert parts.client("ec2").describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
    parts.clock.pass_time("pod interface")
    assert parts.client("ec2").describe_network_interfaces(Filters=filters)["NetworkInterfaces"] == []


# Mounts that work


def test_a_mount_is_the_file_systems_directory_seen_through_a_tls_tunnel(storage: Storage) -> None:
    mount = storage.mount()
    assert mount.directory == storage.parts.directory / "efs" / storage.file_system_id
    assert mount.directory.is_dir()
    assert (mount.source, mount.fs_type) == ("127.0.0.1:/", "nfs4")
    assert mount.options.startswith("rw,relatime,vers=4.1,rsize=1048576,")
    assert "addr=127.0.0.1" in mount.options


def test_an_access_point_shows_its_own_directory_made_as_told(storage: Storage) -> None:
    creation = {"OwnerUid": 1000, "OwnerGid": 1001, "Permissions": "750"}
    mount = storage.mount(storage.access_point("/apps/a", CreationInfo=creation))
    assert mount.directory == storage.parts.directory / "efs" / storage.file_system_id / "apps" / "a"
    assert mount.directory.stat().st_mode & 0o777 == 0o750


def test_pods_that_mount_a_new_access_point_at_the_same_moment_all_mount(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    creation = {"OwnerUid": 1000, "OwnerGid": 1000, "Permissions": "0750"}
    handle = storage.access_point("/apps/a", CreationInfo=creation)
    before = storage.mount(handle)
    monkeypatch.setattr(Path, "exists", lambda _path: False)  # the other one made it a moment after this one looked
    assert storage.mount(handle).directory == before.directory


def test_the_cluster_security_group_may_be_the_source_of_the_rule(storage: Storage, cluster: Any) -> None:
    ec2 = storage.parts.client("ec2")
    old = ec2.describe_security_groups(GroupIds=[storage.group_id])["SecurityGroups"][0]["IpPermissions"]
    ec2.revoke_security_group_ingress(GroupId=storage.group_id, IpPermissions=old)
    source = [{"GroupId": cluster["resourcesVpcConfig"]["clusterSecurityGroupId"]}]
    rule = {"IpProtocol": "tcp", "FromPort": 2000, "ToPort": 2100, "UserIdGroupPairs": source}
    ec2.authorize_security_group_ingress(GroupId=storage.group_id, IpPermissions=[rule])
    assert storage.mount()


# Mounts that are refused


@pytest.mark.parametrize("handle", ["efs:fs-12345678", "pv", ""])
def test_a_handle_that_is_not_bare_is_refused(plane: ClusterDataPlane, handle: str) -> None:
    placement = plane.place("default", {}, 0.25)
    assert placement is not None
    with pytest.raises(MountRefused) as refused:
        plane.mount(placement, handle, {})
    assert refused.value.message == (
        f"rpc error: code = InvalidArgument desc = volume ID '{handle}' is invalid: "
        "Expected a file system ID of the form 'fs-...'"
    )


def test_an_unknown_file_system_does_not_resolve(storage: Storage) -> None:
    message = storage.refusal("fs-00000000")
    assert 'Failed to resolve "fs-00000000.efs.ap-northeast-1.amazonaws.com" - check that' in message


@pytest.mark.parametrize("attribute", ["EnableDnsSupport", "EnableDnsHostnames"])
def test_nothing_resolves_without_the_dns_attributes_of_the_vpc(storage: Storage, attribute: str) -> None:
    storage.parts.client("ec2").modify_vpc_attribute(VpcId=storage.vpc_id, **{attribute: {"Value": False}})
    assert f'Failed to resolve "{storage.file_system_id}.efs.' in storage.refusal()


def test_a_file_system_without_mount_targets_does_not_resolve(storage: Storage) -> None:
    other = storage.parts.client("efs").create_file_system(CreationToken="other")["FileSystemId"]
    assert f'Failed to resolve "{other}.efs.' in storage.refusal(other)


def test_a_zone_without_a_mount_target_is_named(storage: Storage) -> None:
    storage.parts.client("efs").delete_mount_target(MountTargetId=storage.target_ids["ap-northeast-1a"])
    assert "Mount target in the az ap-northeast-1a is deleting" in storage.refusal()
    storage.parts.clock.pass_time()
    message = storage.refusal()
    assert "No matching mount target in the az ap-northeast-1a. Please create one" in message
    assert "Available mount target(s) are in az ['ap-northeast-1c']" in message


def test_a_mount_target_is_usable_when_it_is_available_and_its_name_is_known(storage: Storage, network: Any) -> None:
    efs, clock = storage.parts.client("efs"), storage.parts.clock
    other = efs.create_file_system(CreationToken="other")["FileSystemId"]
    clock.pass_time()
    efs.create_mount_target(FileSystemId=other, SubnetId=network.private_subnets[0], SecurityGroups=[storage.group_id])
    assert "is in available state yet, please retry in 5 minutes" in storage.refusal(other)
    clock.pass_time("mount target")
    assert f'Failed to resolve "{other}' in storage.refusal(other)
    clock.pass_time("mount target DNS")
    assert storage.mount(other)


@pytest.mark.parametrize(
    "rule",
    [
        None,
        {"IpProtocol": "tcp", "FromPort": 2049, "ToPort": 2049, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]},
        {"IpProtocol": "tcp", "FromPort": 2050, "ToPort": 2050, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
        {"IpProtocol": "udp", "FromPort": 2049, "ToPort": 2049, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
    ],
    ids=["none", "other source", "other port", "other protocol"],
)
def test_a_closed_port_times_the_mount_out(storage: Storage, rule: dict[str, Any] | None) -> None:
    ec2 = storage.parts.client("ec2")
    old = ec2.describe_security_groups(GroupIds=[storage.group_id])["SecurityGroups"][0]["IpPermissions"]
    ec2.revoke_security_group_ingress(GroupId=storage.group_id, IpPermissions=old)
    if rule:
        ec2.authorize_security_group_ingress(GroupId=storage.group_id, IpPermissions=[rule])
    message = storage.refusal()
    assert "rpc error: code = DeadlineExceeded desc = context deadline exceeded" in message
    assert "mount.nfs4: Connection timed out" in message


def deny_nfs(storage: Storage) -> None:
    ec2 = storage.parts.client("ec2")
    filters = [{"Name": "vpc-id", "Values": [storage.vpc_id]}]
    acl = ec2.describe_network_acls(Filters=filters)["NetworkAcls"][0]["NetworkAclId"]
    ec2.create_network_acl_entry(
        NetworkAclId=acl,
        RuleNumber=1,
        Protocol="6",
        RuleAction="deny",
        Egress=False,
        CidrBlock="192.168.0.0/16",
        PortRange={"From": 2049, "To": 2049},
    )


def test_a_network_acl_is_not_asked_within_a_subnet(storage: Storage) -> None:
    deny_nfs(storage)
    assert storage.mount().fs_type == "nfs4"


def test_a_network_acl_between_two_subnets_can_close_the_port(storage: Storage) -> None:
    ec2, efs = storage.parts.client("ec2"), storage.parts.client("efs")
    efs.delete_mount_target(MountTargetId=storage.target_ids["ap-northeast-1a"])
    storage.parts.clock.pass_time()
    subnet = ec2.create_subnet(VpcId=storage.vpc_id, CidrBlock="192.168.250.0/24", AvailabilityZone="ap-northeast-1a")[
        "Subnet"
    ]["SubnetId"]
    efs.create_mount_target(FileSystemId=storage.file_system_id, SubnetId=subnet, SecurityGroups=[storage.group_id])
    storage.parts.clock.pass_time()
    assert storage.mount().fs_type == "nfs4"
    deny_nfs(storage)
    assert "Connection timed out" in storage.refusal()


def test_a_mount_target_that_is_being_updated_resets_the_connection(storage: Storage) -> None:
    target_id = storage.target_ids["ap-northeast-1a"]
    efs_backends["123456789012"]["ap-northeast-1"].mount_targets_by_id[target_id].life_cycle_state = "updating"
    assert "mount.nfs4: Connection reset by peer" in storage.refusal()


def test_an_image_is_pulled_over_nat_or_not_at_all(storage: Storage) -> None:
    ec2, node = storage.parts.client("ec2"), storage.pod()
    table = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [storage.vpc_id]}])["RouteTables"][0]
    with pytest.raises(PullRefused, match=r"dial tcp 99\.83\.145\.10:443: i/o timeout"):
        storage.plane.pull(node, "public.ecr.aws", "docker/library/busybox:1.37")
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    public = ec2.create_subnet(VpcId=storage.vpc_id, CidrBlock="192.168.240.0/24")["Subnet"]["SubnetId"]
    gateway = ec2.create_nat_gateway(SubnetId=public, AllocationId=address)["NatGateway"]["NatGatewayId"]
    storage.parts.clock.pass_time()
    everywhere = "0.0.0.0/0"
    ec2.create_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock=everywhere, NatGatewayId=gateway)
    with pytest.raises(PullRefused, match="i/o timeout"):  # the gateway's own way out is missing
        storage.plane.pull(node, "public.ecr.aws", "docker/library/busybox:1.37")
    way_out = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=way_out, VpcId=storage.vpc_id)
    own = ec2.create_route_table(VpcId=storage.vpc_id)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=own, SubnetId=public)
    ec2.create_route(RouteTableId=own, DestinationCidrBlock=everywhere, GatewayId=way_out)
    storage.plane.pull(node, "public.ecr.aws", "docker/library/busybox:1.37")


ALLOW = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "elasticfilesystem:ClientMount"}
DENY_PLAIN = {
    "Effect": "Deny",
    "Principal": {"AWS": "*"},
    "Action": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


def test_a_file_system_policy_decides_who_mounts_and_who_writes(storage: Storage) -> None:
    storage.set_policy(DENY_PLAIN)
    assert "mount.nfs4: access denied by server while mounting 127.0.0.1:/" in storage.refusal()
    by_target = {"Condition": {"Bool": {"elasticfilesystem:AccessedViaMountTarget": "true"}}}
    storage.set_policy(DENY_PLAIN, {**ALLOW, **by_target})
    assert storage.mount().options.startswith("ro,")
    storage.set_policy(DENY_PLAIN, {**ALLOW, "Action": ["elasticfilesystem:Client*"], **by_target})
    assert storage.mount().options.startswith("rw,")
    storage.set_policy(DENY_PLAIN, {**ALLOW, "Principal": {"AWS": "arn:aws:iam::123456789012:root"}})
    assert "access denied by server" in storage.refusal()


def test_a_mount_without_tls_is_denied_by_a_policy_that_asks_for_it(storage: Storage) -> None:
    plain = {"encryptInTransit": "false"}
    assert not storage.mount(attributes=plain).source.startswith("127.0.0.1")
    storage.set_policy(DENY_PLAIN, {**ALLOW, "Action": "elasticfilesystem:*"})
    assert "access denied by server" in storage.refusal(attributes=plain)


def test_an_access_point_or_path_that_is_not_there_is_refused(storage: Storage) -> None:
    missing = f"{storage.file_system_id}::fsap-00000000"
    assert "access denied by server while mounting" in storage.refusal(missing)
    assert "has an invalid access point ID 'x'" in storage.refusal(f"{storage.file_system_id}::x")
    assert "access denied by server" in storage.refusal(storage.access_point("/never/made"))
    assert "No such file or directory" in storage.refusal(f"{storage.file_system_id}:/never")


def test_unknown_volume_attributes_are_refused(storage: Storage) -> None:
    assert "Volume context property path not supported." in storage.refusal(attributes={"path": "/x"})


# File systems in another VPC

OF_ANOTHER_ACCOUNT = "peering with another account"
LINKS: dict[str, Callable[..., str]] = {
    "peering": vpcs.peer,
    "transit gateway": vpcs.join,
    OF_ANOTHER_ACCOUNT: vpcs.peer,
}


@dataclass
class Afar:
    """A file system with a mount target in another VPC, in the zone of the pod. `theirs`: EC2 of that VPC's account."""

    parts: Any
    theirs: Any
    plane: ClusterDataPlane
    here: vpcs.Vpc
    there: vpcs.Vpc
    link_id: str
    group_id: str
    file_system_id: str
    address: str

    @property
    def ec2(self) -> Any:
        return self.parts.client("ec2")

    def mount(self, **attributes: str) -> Mount:
        pods = [self.plane.place("default", {}, 0.25) for _ in range(2)]
        pod = next(p for p in pods if p is not None and p.availability_zone == "ap-northeast-1a")
        return self.plane.mount(pod, self.file_system_id, attributes or {"mounttargetip": self.address})

    def refusal(self, **attributes: str) -> str:
        with pytest.raises(MountRefused) as refused:
            self.mount(**attributes)
        return refused.value.message

    def admit(self, **source: Any) -> None:
        rule = {"IpProtocol": "tcp", "FromPort": 2049, "ToPort": 2049, **source}
        self.theirs.authorize_security_group_ingress(GroupId=self.group_id, IpPermissions=[rule])

    def of(self, side: str) -> Any:
        return self.ec2 if side == "here" else self.theirs


@pytest.fixture(params=LINKS)
def link(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def of_owner(parts: Any, link: str, service: str) -> Any:
    """A client of the account that has the file system."""
    if link != OF_ANOTHER_ACCOUNT:
        return parts.client(service)
    key = administrator_of("444455556666")
    return parts.client(service, {"AccessKeyId": key.access_key_id, "SecretAccessKey": key.secret_access_key})


@pytest.fixture
def afar(link: str, parts: Any, plane: ClusterDataPlane, network: Any) -> Afar:
    ec2 = parts.client("ec2")
    theirs, efs = (of_owner(parts, link, service) for service in ("ec2", "efs"))
    zones = ("ap-northeast-1a", "ap-northeast-1c")
    (main,) = ec2.describe_route_tables(
        Filters=[{"Name": "vpc-id", "Values": [network.vpc_id]}, {"Name": "association.main", "Values": ["true"]}]
    )["RouteTables"]
    here = vpcs.Vpc(network.vpc_id, "192.168.0.0/16", tuple(network.private_subnets), main["RouteTableId"])
    there = vpcs.make(theirs, "10.7.0.0/16", zones)
    link_id = LINKS[link](ec2, here, there, theirs)
    group = theirs.create_security_group(GroupName="nfs", Description="nfs", VpcId=there.vpc_id)["GroupId"]
    file_system = efs.create_file_system(CreationToken="t", Encrypted=True)["FileSystemId"]
    parts.clock.pass_time()
    target = efs.create_mount_target(FileSystemId=file_system, SubnetId=there.subnet_ids[0], SecurityGroups=[group])
    parts.clock.pass_time()
    afar = Afar(parts, theirs, plane, here, there, link_id, group, file_system, target["IpAddress"])
    afar.admit(IpRanges=[{"CidrIp": "192.168.0.0/16"}])
    return afar


TIMEOUT = "timeout. Please retry in 5 minutes if the mount target is newly created."


def test_pods_of_either_zone_mount_by_the_one_address(afar: Afar) -> None:
    pods = [pod for pod in (afar.plane.place("default", {}, 0.25) for _ in range(2)) if pod is not None]
    assert {pod.availability_zone for pod in pods} == {"ap-northeast-1a", "ap-northeast-1c"}
    assert all(afar.plane.mount(pod, afar.file_system_id, {"mounttargetip": afar.address}) for pod in pods)


def test_a_file_system_of_another_vpc_is_mounted_by_its_address_and_not_by_its_name(afar: Afar) -> None:
    assert afar.mount().source.startswith("127.0.0.1")
    assert f'Failed to resolve "{afar.file_system_id}' in afar.refusal(encryptInTransit="true")


@pytest.mark.parametrize("side", ["here", "there"])
def test_without_a_route_on_either_side_nothing_answers(side: str, afar: Afar) -> None:
    vpc, other = (afar.here, afar.there) if side == "here" else (afar.there, afar.here)
    afar.of(side).delete_route(RouteTableId=vpc.table_id, DestinationCidrBlock=other.cidr)
    assert TIMEOUT in afar.refusal()


@pytest.mark.parametrize("side", ["here", "there"])
def test_a_more_specific_route_that_leads_elsewhere_counts(side: str, afar: Afar) -> None:
    vpc, to = (afar.here, "10.7.16.0/20") if side == "here" else (afar.there, "192.168.0.0/24")
    elsewhere = afar.of(side).create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    afar.of(side).create_route(RouteTableId=vpc.table_id, DestinationCidrBlock=to, TransitGatewayId=elsewhere)
    assert TIMEOUT in afar.refusal()


@pytest.mark.parametrize("link", ["peering", OF_ANOTHER_ACCOUNT], indirect=True)
def test_routes_over_a_peering_that_is_gone_are_black_holes(afar: Afar) -> None:
    afar.ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=afar.link_id)
    (table,) = afar.ec2.describe_route_tables(RouteTableIds=[afar.here.table_id])["RouteTables"]
    states = {route["DestinationCidrBlock"]: route["State"] for route in table["Routes"]}
    assert (states["10.7.0.0/16"], states["192.168.0.0/16"]) == ("blackhole", "active")
    assert TIMEOUT in afar.refusal()


@pytest.mark.parametrize("link", ["transit gateway"], indirect=True)
@pytest.mark.parametrize("side", ["here", "there"])
def test_a_transit_gateway_passes_only_between_attached_vpcs(side: str, afar: Afar) -> None:
    vpc = getattr(afar, side)
    of_side = [{"Name": "vpc-id", "Values": [vpc.vpc_id]}]
    (attached,) = afar.ec2.describe_transit_gateway_vpc_attachments(Filters=of_side)["TransitGatewayVpcAttachments"]
    afar.ec2.delete_transit_gateway_vpc_attachment(TransitGatewayAttachmentId=attached["TransitGatewayAttachmentId"])
    assert TIMEOUT in afar.refusal()


@pytest.mark.parametrize("link", ["transit gateway"], indirect=True)
@pytest.mark.parametrize("side", ["here", "there"])
def test_a_transit_gateway_is_not_reached_from_a_zone_in_which_it_has_no_subnet(side: str, afar: Afar) -> None:
    vpc = getattr(afar, side)
    of_side = [{"Name": "vpc-id", "Values": [vpc.vpc_id]}]
    (attached,) = afar.ec2.describe_transit_gateway_vpc_attachments(Filters=of_side)["TransitGatewayVpcAttachments"]
    afar.ec2.modify_transit_gateway_vpc_attachment(
        TransitGatewayAttachmentId=attached["TransitGatewayAttachmentId"], RemoveSubnetIds=[vpc.subnet_ids[0]]
    )
    assert TIMEOUT in afar.refusal()


@pytest.mark.parametrize("link", ["transit gateway"], indirect=True)
def test_the_table_of_a_transit_gateway_decides(afar: Afar) -> None:
    (table,) = afar.ec2.describe_transit_gateway_route_tables()["TransitGatewayRouteTables"]
    table_id = table["TransitGatewayRouteTableId"]
    everything = [{"Name": "state", "Values": ["active"]}]

    def destinations() -> set[tuple[str, str]]:
        found = afar.ec2.search_transit_gateway_routes(TransitGatewayRouteTableId=table_id, Filters=everything)
        return {
            (route["DestinationCidrBlock"], attachment["ResourceId"])
            for route in found["Routes"]
            for attachment in route["TransitGatewayAttachments"]
        }

    assert destinations() == {("10.7.0.0/16", afar.there.vpc_id), ("192.168.0.0/16", afar.here.vpc_id)}
    afar.ec2.create_transit_gateway_route(
        TransitGatewayRouteTableId=table_id, DestinationCidrBlock="10.7.16.0/20", Blackhole=True
    )
    assert TIMEOUT in afar.refusal()


@pytest.mark.parametrize("link", ["peering", "transit gateway"], indirect=True)
def test_groups_of_another_vpc_are_known_by_name_over_a_peering_alone(afar: Afar, link: str) -> None:
    rule = {"IpProtocol": "tcp", "FromPort": 2049, "ToPort": 2049, "IpRanges": [{"CidrIp": "192.168.0.0/16"}]}
    afar.ec2.revoke_security_group_ingress(GroupId=afar.group_id, IpPermissions=[rule])
    assert TIMEOUT in afar.refusal()
    pods = [{"GroupId": clusters_of("123456789012", "ap-northeast-1")["demo"].security_group_id}]
    if link == "peering":
        afar.admit(UserIdGroupPairs=pods)
        assert afar.mount()
    else:
        with pytest.raises(ClientError, match="belong to different networks"):
            afar.admit(UserIdGroupPairs=pods)


@pytest.mark.parametrize("link", ["peering"], indirect=True)
def test_what_the_driver_does_not_take_for_an_address_is_refused(afar: Afar) -> None:
    assert 'property "mounttargetip"="apne1-az4:10.7.16.4" is not a valid IP address' in afar.refusal(
        mounttargetip="apne1-az4:10.7.16.4"
    )
    assert "Volume context property mounttargetipmap not supported." in afar.refusal(mounttargetipmap="{}")
    assert "Volume context property az not supported." in afar.refusal(az="ap-northeast-1a")
    assert "incompatible with crossaccount" in afar.refusal(mounttargetip=afar.address, crossaccount="true")
    assert "Cannot retrieve AZ-ID from metadata service" in afar.refusal(crossaccount="true")


@pytest.mark.parametrize("link", ["peering"], indirect=True)
def test_an_address_that_no_mount_target_has_does_not_answer(afar: Afar) -> None:
    assert "Cannot connect to file system mount target ip address 10.7.16.99." in afar.refusal(
        mounttargetip="10.7.16.99"
    )


@pytest.mark.parametrize("link", [OF_ANOTHER_ACCOUNT], indirect=True)
def test_another_accounts_file_system_answers_that_account_alone(afar: Afar) -> None:
    """Whoever mounts it is asked for no account; whoever asks EFS is."""
    assert afar.mount()
    with pytest.raises(ClientError, match="FileSystemNotFound"):
        afar.parts.client("efs").describe_file_systems(FileSystemId=afar.file_system_id)
    with pytest.raises(ClientError, match="FileSystemNotFound"):
        afar.parts.client("efs").describe_mount_targets(FileSystemId=afar.file_system_id)
    filters = [{"Name": "vpc-id", "Values": [afar.there.vpc_id]}]
    assert afar.ec2.describe_route_tables(Filters=filters)["RouteTables"] == []


@pytest.mark.parametrize("link", ["peering", OF_ANOTHER_ACCOUNT], indirect=True)
def test_groups_and_acls_where_the_mount_target_is_decide(afar: Afar) -> None:
    filters = [{"Name": "vpc-id", "Values": [afar.there.vpc_id]}]
    (acl,) = afar.theirs.describe_network_acls(Filters=filters)["NetworkAcls"]
    rule = {"NetworkAclId": acl["NetworkAclId"], "RuleNumber": 1, "Egress": False}
    nfs = {"Protocol": "6", "PortRange": {"From": 2049, "To": 2049}}
    afar.theirs.create_network_acl_entry(**rule, **nfs, RuleAction="deny", CidrBlock="192.168.0.0/16")
    assert TIMEOUT in afar.refusal()
    afar.theirs.delete_network_acl_entry(**rule)
    assert afar.mount()
    nfs_rule = {"IpProtocol": "tcp", "FromPort": 2049, "ToPort": 2049, "IpRanges": [{"CidrIp": "192.168.0.0/16"}]}
    afar.theirs.revoke_security_group_ingress(GroupId=afar.group_id, IpPermissions=[nfs_rule])
    assert TIMEOUT in afar.refusal()


@pytest.mark.parametrize("link", ["peering"], indirect=True)
def test_an_address_needs_no_names_to_resolve(afar: Afar) -> None:
    afar.ec2.modify_vpc_attribute(VpcId=afar.here.vpc_id, EnableDnsHostnames={"Value": False})
    assert afar.mount()
