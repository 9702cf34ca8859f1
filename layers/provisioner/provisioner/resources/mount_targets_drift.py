"""Whether every zone has its mount target, reachable by whom it was asked for and nobody else."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from provisioner.difference import EXISTS, Difference, DriftKind, Inspected, Severity
from provisioner.resources.mount_targets import groups_of
from provisioner.resources.vpc import Network

if TYPE_CHECKING:
    from mypy_boto3_efs import EFSClient
    from mypy_boto3_efs.type_defs import MountTargetDescriptionTypeDef

MISSING = DriftKind(
    resource="mount target in {zone}",
    path=EXISTS,
    severity=Severity.CRITICAL,
    meaning="Pods in that zone cannot mount: a pod mounts through the mount target of its own zone.",
    fix="a run makes a mount target in {zone}",
)
IN_PROGRESS = DriftKind(
    resource="mount target in {zone}",
    path="status",
    severity=Severity.CRITICAL,
    meaning="EFS is creating, changing or deleting the zone's mount target right now: pods there may not mount.",
    fix="a run waits until {mount_target} in {zone} is no longer {actual}, and makes it again if it then is gone",
)
UNUSABLE = DriftKind(
    resource="mount target in {zone}",
    path="status",
    severity=Severity.CRITICAL,
    meaning="EFS gave the mount target up: pods in that zone cannot mount.",
    fix="remove {mount_target} in {zone} (the data stays), then start a run, which makes it again",
    repairable=False,
)
OTHER_VPC = DriftKind(
    resource="mount targets of {file_system}",
    path="vpcId",
    severity=Severity.CRITICAL,
    meaning="The file system has its mount targets in another network; it can have them in one only.",
    fix="remove the mount targets of {file_system}: {mount_targets} (the data stays), then start a run, which makes "
    "them in {expected}",
    repairable=False,
)
OTHER_SUBNET = DriftKind(
    resource="mount target in {zone}",
    path="subnetId",
    severity=Severity.WARNING,
    meaning="The mount target was made again in a subnet that is none of the private ones. It cannot move.",
    fix="remove {mount_target} in {zone} (the data stays), then start a run, which makes it in {expected}",
    repairable=False,
)
OUR_GROUP_MISSING = DriftKind(
    resource="mount target in {zone}",
    path="securityGroups",
    severity=Severity.CRITICAL,
    meaning="The security group that admits the pods is not attached: new mounts in that zone time out.",
    fix="a run attaches {expected}, and no other, to {mount_target} in {zone}",
)
OTHER_GROUPS = DriftKind(
    resource="mount target in {zone}",
    path="securityGroups",
    severity=Severity.WARNING,
    meaning="Another security group is attached as well: whoever it admits may reach the mount target.",
    fix="a run detaches all but {expected} from {mount_target} in {zone}",
)


def inspect(
    network: Network,
    group_id: str | None,
    found: "Mapping[str, MountTargetDescriptionTypeDef]",
    efs: "EFSClient",
) -> list[Inspected]:
    """Per zone its mount target, by zone id, against what `ensure` converges to; reads each one's groups.

    `group_id` None: our security group itself is gone, and which groups are attached says nothing more.
    """
    elsewhere = [target for target in found.values() if target.get("VpcId") != network.vpc_id]
    if elsewhere:
        return [_in_another_vpc(network, elsewhere)]
    return [
        Inspected.of(f"mount target in {zone}", _differences(network, zone, group_id, found.get(zone), efs))
        for zone in network.one_subnet_per_zone()
    ]


def _in_another_vpc(network: Network, targets: "Sequence[MountTargetDescriptionTypeDef]") -> Inspected:
    """Once for all of them: EFS keeps a file system's mount targets in one VPC."""
    file_system, ids = targets[0]["FileSystemId"], ", ".join(sorted(target["MountTargetId"] for target in targets))
    vpc_id = targets[0].get("VpcId")
    found = OTHER_VPC.found(expected=network.vpc_id, actual=vpc_id, file_system=file_system, mount_targets=ids)
    return Inspected.of(f"mount targets of {file_system}", [found])


def _differences(
    network: Network,
    zone: str,
    group_id: str | None,
    target: "MountTargetDescriptionTypeDef | None",
    efs: "EFSClient",
) -> list[Difference]:
    if target is None:
        return [MISSING.missing(zone=zone)]
    names = {"zone": zone, "mount_target": target["MountTargetId"]}
    differences = []
    if target["SubnetId"] not in network.subnet_ids:
        subnet_id = network.one_subnet_per_zone()[zone].subnet_id
        differences.append(OTHER_SUBNET.found(expected=subnet_id, actual=target["SubnetId"], **names))
    match target["LifeCycleState"]:
        case "available":
            differences += _group_differences(group_id, names, efs)
        case "error" as state:
            differences.append(UNUSABLE.found(expected="available", actual=state, **names))
        case state:
            differences.append(IN_PROGRESS.found(expected="available", actual=state, **names))
    return differences


def _group_differences(group_id: str | None, names: Mapping[str, str], efs: "EFSClient") -> list[Difference]:
    if group_id is None:
        return []
    try:
        attached = groups_of(names["mount_target"], efs)
    except efs.exceptions.IncorrectMountTargetState:
        return [IN_PROGRESS.found(expected="available", actual="updating", **names)]
    if attached == [group_id]:
        return []
    kind = OTHER_GROUPS if group_id in attached else OUR_GROUP_MISSING
    return [kind.found(expected=[group_id], actual=attached, **names)]
