"""Whether the mount targets' security group admits what was asked for, and nothing else."""

from typing import TYPE_CHECKING

from provisioner.difference import EXISTS, Difference, DriftKind, Inspected, Severity
from provisioner.request import OWNER_TAG, Request
from provisioner.resources import peer
from provisioner.resources.ownership import ownership
from provisioner.resources.security_group import NFS_PORT, ingress_of, name, wanted_ingress
from provisioner.resources.vpc import Network

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import SecurityGroupTypeDef

NFS = f"{NFS_PORT}/tcp."

MISSING = DriftKind(
    resource="security group {group}",
    path=EXISTS,
    severity=Severity.CRITICAL,
    meaning="The mount targets' security group is gone; without it nothing says who may reach the data.",
    fix="a run makes {group} with its rules and attaches it to the mount targets",
)
ELSEWHERE = DriftKind(
    resource="security group {group}",
    path="vpc",
    severity=Severity.CRITICAL,
    meaning="The group is in another VPC than the mount targets, where none of them can have it.",
    fix="a run makes one in {expected} and attaches it to the mount targets; remove {group} yourself",
)
INGRESS_MISSING = DriftKind(
    resource="security group {group}",
    path="ingress.{rule}",
    severity=Severity.CRITICAL,
    meaning="Pods in that subnet cannot reach the mount targets: new mounts time out, mounted ones hang.",
    fix="a run allows {rule} in {group} again",
)
INGRESS_EXTRA = DriftKind(
    resource="security group {group}",
    path="ingress.{rule}",
    severity=Severity.WARNING,
    meaning="The group admits more than NFS from the pods' subnets, so that others may reach the mount targets.",
    fix="a run revokes {rule} from {group}; who needs it has to attach a group of their own elsewhere",
)


def inspect(
    request: Request, network: Network | None, group: "SecurityGroupTypeDef | None", *, is_whole: bool = True
) -> Inspected:
    """The group as it is, None when absent, against what `ensure` converges to; no rules without the network.

    `is_whole` False: subnets of the network are gone, and what admits NFS may be the rules of theirs.
    """
    if group is None:
        return Inspected.of(f"security group {name(request)}", [MISSING.missing(group=name(request))])
    group_id = group["GroupId"]
    resource = f"security group {group_id}"
    tags = {tag["Key"]: tag["Value"] for tag in group.get("Tags", [])}
    differences = ownership(request, tags, resource)
    if network is not None:
        vpc_id = peer.vpc_id_of(request, network.vpc_id)
        differences += _differences(network, vpc_id, group_id, group, is_whole=is_whole)
    return Inspected.of(resource, differences)


def find_elsewhere(request: Request, ec2: "EC2Client") -> "SecurityGroupTypeDef | None":
    """A group of ours by that name in whatever VPC."""
    named = [{"Name": "group-name", "Values": [name(request)]}]
    ours = [{"Name": f"tag:{OWNER_TAG}", "Values": [request.cluster.name]}]
    found = ec2.describe_security_groups(Filters=[*named, *ours])["SecurityGroups"]  # type: ignore[list-item]
    return found[0] if found else None


def _differences(
    network: Network, vpc_id: str, group_id: str, group: "SecurityGroupTypeDef", *, is_whole: bool
) -> list[Difference]:
    if group.get("VpcId") != vpc_id:
        return [ELSEWHERE.found(expected=vpc_id, actual=group.get("VpcId"), group=group_id)]
    wanted, actual = wanted_ingress(network), ingress_of(group)
    missing = [rule for rule in wanted if rule not in actual]
    extra = [rule for rule in actual if rule not in wanted and (is_whole or not rule.startswith(NFS))]
    return [
        *(INGRESS_MISSING.found(expected="allowed", actual=None, group=group_id, rule=rule) for rule in missing),
        *(INGRESS_EXTRA.found(expected=None, actual="allowed", group=group_id, rule=rule) for rule in extra),
    ]
