"""A file system of another account, with its mount targets, groups and network ACLs: looked at, and never touched.

All that is ours about it is the PersistentVolume, which has the address of one of its mount targets.
Source: EFS user guide, "Mounting EFS file systems from another AWS account or VPC", "Using IAM to control access to
file systems": without an IAM identity, as Fargate mounts, the file-system policy's * principals alone speak of it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from provisioner.difference import EXISTS
from provisioner.errors import ErrorReason, TerminalError
from provisioner.observation import Observation
from provisioner.request import Request
from provisioner.resources import file_system, mount_policy, mount_targets
from provisioner.resources.problem import Problem, refusal
from provisioner.resources.traffic import EPHEMERAL_PORTS, NFS_PORT, acl_refusal, names_prefix_list, uncovered
from provisioner.resources.vpc import Network

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import NetworkAclTypeDef
    from mypy_boto3_efs import EFSClient
    from mypy_boto3_efs.type_defs import FileSystemDescriptionTypeDef, MountTargetDescriptionTypeDef

_ACTIONS: Final = ("ClientMount", "ClientWrite", "ClientRootAccess")
_NFS: Final = (NFS_PORT, NFS_PORT)


@dataclass(frozen=True)
class Lack:
    """What keeps pods from it: `path` as a difference has it, and the remedy, which says in which account."""

    path: str
    what: str
    remedy: str


@dataclass
class Found:
    """`unseen`: what cannot be told from here, and may well be right."""

    lacks: list[Lack] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)

    @property
    def problems(self) -> list[Problem]:
        return [Problem(ErrorReason.UNUSABLE, each.what, each.remedy) for each in self.lacks]


def look(request: Request, pods: Network | None, efs: "EFSClient", theirs: "EC2Client", ours: "EC2Client") -> Found:
    """All that is wrong with it, for pods of that network; None is one that is yet to be made. Only reads.

    `efs` and `theirs` are the lender's, `ours` is EC2 of the pods' account.
    Raises: ClientError.
    """
    found = Found()
    there = _find(request, efs)
    if there is None:
        found.lacks.append(_missing(request))
        return found
    found.lacks += _itself(request, there)
    _policy(request, there, efs, found)
    targets = usable_mount_targets(request, there["FileSystemId"], efs)
    if not targets:
        found.lacks.append(_no_mount_target(request, there["FileSystemId"], efs))
    if pods is not None:
        _groups(request, pods, targets, efs, theirs, found)
        found.lacks += _acls(request, pods, targets, theirs, ours)
    return found


def observe(request: Request, efs: "EFSClient") -> Observation:
    """As `file_system.ensure`, of one that is another account's: the same facts, and nothing is changed.

    Raises: TerminalError UNUSABLE for what has become unusable since it was checked.
    """
    there = _find(request, efs)
    lacks = [_missing(request)] if there is None else list(_itself(request, there))
    if there is None or lacks:
        raise refusal(Found(lacks).problems)
    ids = {each.storage.persistent_volume: None for each in request.of_each_volume}
    return Observation.ready_with(file_system_id=there["FileSystemId"], access_point_id=None, access_point_ids=ids)


def observe_mount_targets(request: Request, file_system_id: str, efs: "EFSClient") -> Observation:
    """As `mount_targets.ensure`: the same facts, of those that can be used.

    Raises: TerminalError UNUSABLE when there is none any more.
    """
    targets = usable_mount_targets(request, file_system_id, efs)
    if not targets:
        raise refusal(Found([_no_mount_target(request, file_system_id, efs)]).problems)
    return Observation.ready_with(mount_targets=[mount_targets.facts_of(each) for each in targets])


def usable_mount_targets(
    request: Request, file_system_id: str, efs: "EFSClient"
) -> "list[MountTargetDescriptionTypeDef]":
    """Those that are available in the subnets that the request names, by zone id."""
    peer, found = request.file_system.peer, mount_targets.find(file_system_id, efs)
    return [
        each
        for _, each in sorted(found.items())
        if peer and each["SubnetId"] in peer.subnet_ids and each["LifeCycleState"] == "available"
    ]


def _find(request: Request, efs: "EFSClient") -> "FileSystemDescriptionTypeDef | None":
    named = request.file_system.existing
    return file_system.find_by_id(named, efs) if named else None


def _missing(request: Request) -> Lack:
    named = f"file_system.existing is {request.file_system.existing}"
    what = f"{named}, which account {request.lender} does not have in {request.region}"
    return Lack(EXISTS, what, f"name one that account {request.lender} has in {request.region}")


def _itself(request: Request, there: "FileSystemDescriptionTypeDef") -> Iterator[Lack]:
    file_system_id, state, lender = there["FileSystemId"], there["LifeCycleState"], request.lender
    if state not in ("available", "updating"):
        what = f"{file_system_id} of account {lender} is {state}"
        yield Lack("status", what, f"name one that is available, or wait until account {lender} has made this one so")
    try:
        file_system.require_encryption(request, there)
    except TerminalError as error:
        what = f"{error.subject}, in account {lender}"
        yield Lack("encrypted", what, f"have account {lender} copy the data to one that is encrypted as asked for")
    if there.get("FileSystemProtection", {}).get("ReplicationOverwriteProtection") == "REPLICATING":
        what = f"{file_system_id} of account {lender} is the destination of a replication, which makes it read-only"
        yield Lack("replication", what, f"have account {lender} delete the replication, or name the source")


def _policy(request: Request, there: "FileSystemDescriptionTypeDef", efs: "EFSClient", found: Found) -> None:
    file_system_id = there["FileSystemId"]
    try:
        document = json.loads(efs.describe_file_system_policy(FileSystemId=file_system_id)["Policy"])
    except efs.exceptions.PolicyNotFound:
        document = None
    decisions = {action: mount_policy.decide(document, action) for action in _ACTIONS}
    refused = [action for action, each in decisions.items() if each.effect == "denied"]
    if refused:
        because = "; ".join(dict.fromkeys(decisions[action].because for action in refused))
        wanted = ", ".join(f"elasticfilesystem:{action}" for action in refused)
        remedy = f"have account {request.lender} allow {wanted} to the principal * through mount targets in its policy"
        found.lacks.append(Lack("policy", f"the policy of {file_system_id} does not let pods in: {because}", remedy))
    elif undecided := [each.because for each in decisions.values() if each.effect == "undecided"]:
        found.unseen.append(f"whether the policy of {file_system_id} lets pods in cannot be told: {undecided[0]}")


def _no_mount_target(request: Request, file_system_id: str, efs: "EFSClient") -> Lack:
    peer, found = request.file_system.peer, mount_targets.find(file_system_id, efs)
    listed = ", ".join(
        f"{each['MountTargetId']} in {each['SubnetId']} is {each['LifeCycleState']}" for each in found.values()
    )
    where = ", ".join(peer.subnet_ids if peer else [])
    what = f"{file_system_id} has no mount target that is available in {where} ({listed or 'it has none at all'})"
    remedy = f"have account {request.lender} make one there, or name subnets of its mount targets in file_system.peer"
    return Lack("mountTargets", what, remedy)


def _groups(
    request: Request,
    pods: Network,
    targets: "list[MountTargetDescriptionTypeDef]",
    efs: "EFSClient",
    theirs: "EC2Client",
    found: Found,
) -> None:
    """By ranges: what they admit by the pods' own group, which is there after the cluster only, does not count."""
    of_groups: dict[tuple[str, ...], list[str]] = {}
    for target in targets:
        of_groups.setdefault(tuple(mount_targets.groups_of(target["MountTargetId"], efs)), []).append(
            target["MountTargetId"]
        )
    for ids, target_ids in of_groups.items():
        groups = theirs.describe_security_groups(Filters=[{"Name": "group-id", "Values": list(ids)}])["SecurityGroups"]
        rules = [rule for group in groups for rule in group.get("IpPermissions", [])]
        closed = [part for subnet in pods.private_subnets for part in uncovered(subnet.cidr, rules, NFS_PORT)]
        named, ranges, of_targets = ", ".join(ids), ", ".join(closed), ", ".join(target_ids)
        if closed and names_prefix_list(rules, NFS_PORT):
            found.unseen.append(f"whether the prefix lists in {named} of {of_targets} have {ranges} cannot be told")
        elif closed:
            what = f"{named} of {of_targets} does not admit {ranges} at tcp {NFS_PORT}"
            remedy = f"have account {request.lender} allow tcp {NFS_PORT} from {ranges} in {named}"
            found.lacks.append(Lack(f"ingress.{named}", what, remedy))


def _acls(
    request: Request,
    pods: Network,
    targets: "list[MountTargetDescriptionTypeDef]",
    theirs: "EC2Client",
    ours: "EC2Client",
) -> Iterator[Lack]:
    """At the mount targets' subnets and at the pods', requests and answers; once for each ACL."""
    peer = request.file_system.peer
    there = _by_subnet(theirs, peer.vpc_id if peer else "")
    here = _by_subnet(ours, pods.vpc_id)
    refusals: dict[tuple[str, str], dict[str, None]] = {}
    for target in targets:
        for subnet in pods.private_subnets:
            address = f"{target.get('IpAddress')}/32"
            for acl, account_id, other, ports_in, ports_out in (
                (there.get(target["SubnetId"]), request.lender, subnet.cidr, _NFS, EPHEMERAL_PORTS),
                (here.get(subnet.subnet_id), request.account_id, address, EPHEMERAL_PORTS, _NFS),
            ):
                for egress, ports in ((False, ports_in), (True, ports_out)):
                    if acl and acl_refusal(acl["Entries"], egress=egress, cidr=other, ports=ports):
                        way = f"outbound tcp {_said(ports)} to" if egress else f"inbound tcp {_said(ports)} from"
                        said = refusals.setdefault((acl["NetworkAclId"], str(account_id)), {})
                        said[f"{way} {other}"] = None
    for (acl_id, account_id), ways in refusals.items():
        listed = ", ".join(ways)
        yield Lack(
            f"acl.{acl_id}", f"{acl_id} does not allow {listed}", f"allow {listed} in {acl_id} in account {account_id}"
        )


def _by_subnet(ec2: "EC2Client", vpc_id: str) -> "dict[str, NetworkAclTypeDef]":
    acls = ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])["NetworkAcls"]
    return {each["SubnetId"]: acl for acl in acls for each in acl.get("Associations", [])}


def _said(ports: tuple[int, int]) -> str:
    return str(ports[0]) if ports[0] == ports[1] else f"{ports[0]}-{ports[1]}"
