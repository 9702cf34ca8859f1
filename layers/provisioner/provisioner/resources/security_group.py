"""The mount targets' security group: NFS from the private subnets, where Fargate runs the pods."""

from typing import TYPE_CHECKING, Any

from provisioner.errors import ErrorReason, RetryableError
from provisioner.observation import Observation
from provisioner.request import ExistingNetwork, Request
from provisioner.resources import peer
from provisioner.resources.ownership import require_ours
from provisioner.resources.tags import ensure_ec2_tags
from provisioner.resources.vpc import Network, shared_by

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import IpPermissionTypeDef, SecurityGroupTypeDef

NFS_PORT = 2049
# What a rule may admit, and by which field EC2 names it.
_SOURCES = (
    ("IpRanges", "CidrIp"),
    ("Ipv6Ranges", "CidrIpv6"),
    ("PrefixListIds", "PrefixListId"),
    ("UserIdGroupPairs", "GroupId"),
)


def name(request: Request) -> str:
    return f"{request.cluster.name}-efs"


def find(request: Request, network: Network, ec2: "EC2Client") -> "SecurityGroupTypeDef | None":
    """The group in the mount targets' VPC, None when absent; a name is unique in a VPC. `network` is the pods'."""
    vpc_id = peer.vpc_id_of(request, network.vpc_id)
    groups = ec2.describe_security_groups(
        Filters=[{"Name": "group-name", "Values": [name(request)]}, {"Name": "vpc-id", "Values": [vpc_id]}]
    )["SecurityGroups"]
    return groups[0] if groups else None


def ensure(request: Request, network: Network, ec2: "EC2Client") -> Observation:
    """Converge one group that admits 2049/tcp from each private subnet's CIDR alone: facts {security_group_id}.

    By ranges, not by the pods' group: in a peered VPC, let alone behind a transit gateway, groups have limits of their
    own. Rules that nobody asked for are revoked: the group is ours alone, and what it admits reaches the data. Egress
    stays EC2's default.
    Idempotency key: the group's name in the VPC; a rule is its own key.
    Raises: TerminalError OWNED_BY_ANOTHER; RetryableError NOT_YET_CONSISTENT.
    Source: EC2 API, CreateSecurityGroup, CreateTags, AuthorizeSecurityGroupIngress, RevokeSecurityGroupIngress; EFS
    User Guide, security groups.
    """
    group = find(request, network, ec2)
    if group is None:
        group_id, actual = _create(request, network, ec2), {}
    else:
        group_id, actual = group["GroupId"], ingress_of(group)
        tags = {tag["Key"]: tag["Value"] for tag in group.get("Tags", [])}
        require_ours(request, tags, group_id)
        ensure_ec2_tags(request, group_id, tags, ec2)
    wanted = wanted_ingress(network)
    for rule in sorted(wanted.keys() - actual.keys()):
        _admit(group_id, wanted[rule], ec2)
    for rule in sorted(actual.keys() - wanted.keys()):
        _revoke(group_id, actual[rule], ec2)
    return Observation.ready_with(security_group_id=group_id)


def of_control_plane(request: Request, network: Network, ec2: "EC2Client") -> list[str]:
    """The groups that CreateCluster has to be given besides EKS's own: in a VPC that another account shares, this one.

    Left out, EKS takes the VPC's default group, which is the owner's and nobody else's to use. What ours admits to the
    control plane's interfaces meets nothing there.
    Raises: as `ensure`.
    Source: EKS API, VpcConfigRequest.securityGroupIds; EKS User Guide, "Shared subnet requirements and considerations".
    """
    if not isinstance(request.network, ExistingNetwork):
        return []
    vpcs = ec2.describe_vpcs(Filters=[{"Name": "vpc-id", "Values": [network.vpc_id]}])["Vpcs"]
    if not any(shared_by(request.account_id, vpc) for vpc in vpcs):
        return []
    return [str(ensure(request, network, ec2).facts["security_group_id"])]


def wanted_ingress(network: Network) -> "dict[str, IpPermissionTypeDef]":
    """`2049/tcp.192.168.96.0/19` -> the rule; two subnets never share a CIDR within a VPC."""
    return {
        f"{NFS_PORT}/tcp.{subnet.cidr}": {
            "IpProtocol": "tcp",
            "FromPort": NFS_PORT,
            "ToPort": NFS_PORT,
            "IpRanges": [{"CidrIp": subnet.cidr, "Description": "NFS from pods on Fargate"}],
        }
        for subnet in network.private_subnets
    }


def ingress_of(group: "SecurityGroupTypeDef") -> "dict[str, IpPermissionTypeDef]":
    """The group's rules by the same names, one source each: EC2 lists the sources of equal ports together."""
    return {
        f"{_ports(listed)}.{source}": permission
        for listed in group.get("IpPermissions", [])
        for source, permission in _one_source_each(listed)
    }


def _create(request: Request, network: Network, ec2: "EC2Client") -> str:
    tags = {"Name": name(request), **request.owner_tags}
    try:
        return ec2.create_security_group(
            GroupName=name(request),
            Description=f"NFS to the EFS file system of {request.cluster.name}",
            VpcId=peer.vpc_id_of(request, network.vpc_id),
            TagSpecifications=[
                {
                    "ResourceType": "security-group",
                    "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
                }
            ],
        )["GroupId"]
    except ec2.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "InvalidGroup.Duplicate":
            raise
        # Another run created it in this moment: whose it is has to be looked at afresh.
        raise RetryableError(
            ErrorReason.NOT_YET_CONSISTENT,
            f"security group {name(request)} appeared while it was being created",
            remedy="look again",
        ) from error


def _ports(listed: "Mapping[str, Any]") -> str:
    protocol, first, last = (listed.get(key) for key in ("IpProtocol", "FromPort", "ToPort"))
    if protocol == "-1":
        return "all"
    return f"{first}/{protocol}" if first == last else f"{first}-{last}/{protocol}"


def _one_source_each(listed: "Mapping[str, Any]") -> "Iterator[tuple[str, Any]]":
    ports = {key: value for key, value in listed.items() if key in ("IpProtocol", "FromPort", "ToPort")}
    for kind, name in _SOURCES:
        for source in listed.get(kind, []):
            yield source[name], {**ports, kind: [{key: source[key] for key in (name, "UserId") if key in source}]}


def _admit(group_id: str, rule: "IpPermissionTypeDef", ec2: "EC2Client") -> None:
    """One rule per call: one duplicate would make EC2 refuse all rules of a common call."""
    try:
        ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[rule])
    except ec2.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "InvalidPermission.Duplicate":
            raise


def _revoke(group_id: str, rule: "IpPermissionTypeDef", ec2: "EC2Client") -> None:
    try:
        ec2.revoke_security_group_ingress(GroupId=group_id, IpPermissions=[rule])
    except ec2.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "InvalidPermission.NotFound":
            raise
