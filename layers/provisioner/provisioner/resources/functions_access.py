"""The functions' way in to a private endpoint: the cluster security group admits theirs.

EKS makes that group for the control plane and the nodes, which admit each other; functions in a VPC are neither.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from provisioner.request import Request
from provisioner.resources.traffic import HTTPS_PORT

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import IpPermissionTypeDef, SecurityGroupTypeDef
    from mypy_boto3_eks import EKSClient

_SETTLED: Final = ("InvalidPermission.Duplicate", "InvalidGroup.NotFound")
"""It is there already; it is of a network that is not peered (ansible/ansible#45782)."""


@dataclass(frozen=True)
class Functions:
    """Those that talk to Kubernetes, by where they are in a VPC; nowhere outside of any."""

    account_id: str = ""
    subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "Functions":
        subnets, groups = environ["FUNCTIONS_SUBNET_IDS"], environ["FUNCTIONS_SECURITY_GROUP_IDS"]
        return cls(environ["FUNCTIONS_ACCOUNT_ID"], _listed(subnets), _listed(groups))


OUTSIDE: Final = Functions()


def _listed(ids: str) -> tuple[str, ...]:
    return tuple(filter(None, ids.split(",")))


def ensure(request: Request, functions: Functions, eks: "EKSClient", ec2: "EC2Client") -> None:
    """Converge to a rule for tcp 443 from each of the functions' groups in the cluster security group.

    A group that cannot be named there, because a transit gateway joins the two VPCs or nothing does, is left out: its
    addresses are a person's to admit, and the next state tells when nobody has.
    Idempotency key: the rule. It goes with the cluster, whose group it is in.
    Source: EC2 API, AuthorizeSecurityGroupIngress; VPC Peering guide, "Update your security groups to reference peer
    security groups"; EKS User Guide, "Cluster API server endpoint".
    """
    if request.cluster.endpoint_access == "public" or not functions.security_group_ids:
        return
    config = eks.describe_cluster(name=request.cluster.name)["cluster"]["resourcesVpcConfig"]
    group_id = config["clusterSecurityGroupId"]
    for group in ec2.describe_security_groups(Filters=[{"Name": "group-id", "Values": [group_id]}])["SecurityGroups"]:
        for each in functions.security_group_ids:
            if each not in _admitted(group):
                _admit(group_id, each, functions.account_id, ec2)


def _admitted(group: "SecurityGroupTypeDef") -> set[str]:
    """Groups that a rule for just that port names."""
    rules = [rule for rule in group.get("IpPermissions", []) if rule.get("FromPort") == HTTPS_PORT]
    return {pair["GroupId"] for rule in rules for pair in rule.get("UserIdGroupPairs", []) if "GroupId" in pair}


def _admit(group_id: str, source: str, account_id: str, ec2: "EC2Client") -> None:
    rule: IpPermissionTypeDef = {
        "IpProtocol": "tcp",
        "FromPort": HTTPS_PORT,
        "ToPort": HTTPS_PORT,
        "UserIdGroupPairs": [{"GroupId": source, "UserId": account_id, "Description": "The provisioner's functions"}],
    }
    try:
        ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[rule])
    except ec2.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in _SETTLED:
            raise
