"""The mount targets' security group: NFS from the private subnets, where Fargate runs the pods."""

from typing import TYPE_CHECKING

from provisioner.errors import ErrorReason, RetryableError
from provisioner.observation import Observation
from provisioner.request import Request
from provisioner.resources.ownership import require_ours
from provisioner.resources.vpc import Network

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import SecurityGroupTypeDef

NFS_PORT = 2049


def name(request: Request) -> str:
    return f"{request.cluster.name}-efs"


def find(request: Request, network: Network, ec2: "EC2Client") -> "SecurityGroupTypeDef | None":
    """The group, None when absent; a name is unique in a VPC."""
    groups = ec2.describe_security_groups(
        Filters=[{"Name": "group-name", "Values": [name(request)]}, {"Name": "vpc-id", "Values": [network.vpc_id]}]
    )["SecurityGroups"]
    return groups[0] if groups else None


def ensure(request: Request, network: Network, ec2: "EC2Client") -> Observation:
    """Converge one group that admits 2049/tcp from each private subnet's CIDR: facts {security_group_id}.

    Rules nobody asked for are left for drift to report; egress stays EC2's default.
    Idempotency key: the group's name in the VPC; a rule is its own key.
    Raises: TerminalError OWNED_BY_ANOTHER; RetryableError NOT_YET_CONSISTENT.
    Source: EC2 API, CreateSecurityGroup, AuthorizeSecurityGroupIngress; EFS User Guide, security groups.
    """
    group = find(request, network, ec2)
    if group is None:
        group_id, admitted = _create(request, network, ec2), set[str]()
    else:
        group_id, admitted = group["GroupId"], _admitted_cidrs(group)
        require_ours(request, {tag["Key"]: tag["Value"] for tag in group.get("Tags", [])}, group_id)
    for cidr in dict.fromkeys(subnet.cidr for subnet in network.private_subnets):
        if cidr not in admitted:
            _admit(group_id, cidr, ec2)
    return Observation.ready_with(security_group_id=group_id)


def _create(request: Request, network: Network, ec2: "EC2Client") -> str:
    tags = {"Name": name(request), **request.owner_tags}
    try:
        return ec2.create_security_group(
            GroupName=name(request),
            Description=f"NFS to the EFS file system of {request.cluster.name}",
            VpcId=network.vpc_id,
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
            f"security group {name(request)} appeared in {network.vpc_id} while it was being created",
            remedy="look again",
        ) from error


def _admitted_cidrs(group: "SecurityGroupTypeDef") -> set[str]:
    return {
        address_range["CidrIp"]
        for rule in group["IpPermissions"]
        if (rule.get("IpProtocol"), rule.get("FromPort"), rule.get("ToPort")) == ("tcp", NFS_PORT, NFS_PORT)
        for address_range in rule.get("IpRanges", [])
    }


def _admit(group_id: str, cidr: str, ec2: "EC2Client") -> None:
    """One rule per call: one duplicate would make EC2 refuse all rules of a common call."""
    try:
        ec2.authorize_security_group_ingress(
            GroupId=group_id,
            IpPermissions=[
                {
                    "IpProtocol": "tcp",
                    "FromPort": NFS_PORT,
                    "ToPort": NFS_PORT,
                    "IpRanges": [{"CidrIp": cidr, "Description": "NFS from pods on Fargate"}],
                }
            ],
        )
    except ec2.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "InvalidPermission.Duplicate":
            raise
