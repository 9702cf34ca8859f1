"""The mount targets' security group on its way out: last of all that uses it."""

from typing import TYPE_CHECKING

from provisioner.observation import Observation, Reason
from provisioner.request import Request
from provisioner.resources import interfaces
from provisioner.resources.ownership import require_ours
from provisioner.resources.security_group import find
from provisioner.resources.vpc import Network

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

POLL_SECONDS = 10


def remove(request: Request, vpc_id: str, ec2: "EC2Client") -> Observation:
    """Converge to no group in the VPC; what still uses it is waited for, and named in the fact `waiting_for`.

    Raises: TerminalError OWNED_BY_ANOTHER.
    Source: EC2 API, DeleteSecurityGroup: DependencyViolation while an interface or another group's rule has it.
    """
    group = find(request, Network(vpc_id, ()), ec2)
    if group is None:
        return Observation.ready_with()
    group_id = group["GroupId"]
    require_ours(request, {tag["Key"]: tag["Value"] for tag in group.get("Tags", [])}, group_id)
    if using := [interfaces.described(each) for each in interfaces.find("group-id", group_id, ec2)]:
        return _pending(Reason.WAITING_FOR_NETWORK_INTERFACES, using)
    try:
        ec2.delete_security_group(GroupId=group_id)
    except ec2.exceptions.ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "DependencyViolation":
            return _pending(Reason.WAITING_FOR_OTHERS, _referring(group_id, ec2))
        if code != "InvalidGroup.NotFound":
            raise
    return Observation.ready_with()


def _referring(group_id: str, ec2: "EC2Client") -> list[str]:
    """Other groups whose rules name this one; none where it is an interface that has only just gone."""
    found: dict[str, str] = {}
    for side in ("ip-permission.group-id", "egress.ip-permission.group-id"):
        for each in ec2.describe_security_groups(Filters=[{"Name": side, "Values": [group_id]}])["SecurityGroups"]:
            found[each["GroupId"]] = f"{each['GroupId']} ({each.get('GroupName')}), whose rules name {group_id}"
    found.pop(group_id, None)
    return list(found.values())


def _pending(reason: Reason, waiting_for: list[str]) -> Observation:
    return Observation.pending(reason, retry_after_seconds=POLL_SECONDS, waiting_for=waiting_for)
