"""Whether pods still come to mount targets in another VPC: its subnets, what joins the two, and routes of both."""

from typing import TYPE_CHECKING, Final

from provisioner.difference import EXISTS, Difference, DriftKind, Inspected, Severity
from provisioner.request import PeerRequest
from provisioner.resources import peer
from provisioner.resources.peer_ways import Gap, PeerWays, View
from provisioner.resources.vpc import Network

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

SUBNET_MISSING = DriftKind(
    resource="subnet {subnet} of the peered VPC",
    path=EXISTS,
    severity=Severity.CRITICAL,
    meaning="A subnet that file_system.peer names is gone, and no mount target can be in it.",
    fix="make a subnet in that zone by hand and name it in `file_system.peer`: {subnet} cannot come back under its id",
    repairable=False,
)
NOT_JOINED = DriftKind(
    resource="way from {pods} to {mounts}",
    path="link.{link}",
    severity=Severity.CRITICAL,
    meaning="The peering, or a transit gateway's attachment or route, is gone: new mounts time out, mounted ones hang.",
    fix="{remedy}: a run never changes what joins two VPCs",
    repairable=False,
)
ROUTE_MISSING = DriftKind(
    resource="way from {pods} to {mounts}",
    path="routes.{table}",
    severity=Severity.CRITICAL,
    meaning="A route table of the pods' has no way to the mount targets in the peered VPC.",
    fix="{remedy}: a run never changes routes of an existing network",
    repairable=False,
)
ROUTE_BACK_MISSING = DriftKind(
    resource="way from {pods} to {mounts}",
    path="routes back.{table}",
    severity=Severity.CRITICAL,
    meaning="A route table of the peered VPC has no way back to the pods, so that no answer reaches them.",
    fix="{remedy}: a run never changes routes of the peered VPC",
    repairable=False,
)
_NOWHERE: Final = "no way"


def inspect(
    wanted: PeerRequest, pods: Network, account_id: str, ec2: "EC2Client", lender: View | None = None
) -> list[Inspected]:
    """The peered VPC and the ways to it against what `peer.check` wants of them, `lender` as there. Only reads."""
    mounts = peer.find(wanted, lender.ec2 if lender else ec2)
    gone = [subnet_id for subnet_id in wanted.subnet_ids if subnet_id not in mounts.subnet_ids]
    subnets = [Inspected.of(f"subnet {each} of the peered VPC", [SUBNET_MISSING.missing(subnet=each)]) for each in gone]
    ways = PeerWays(pods, mounts, account_id, ec2, lender)
    differences = [_difference(gap, pods, wanted) for gap in ways.gaps]
    return [*subnets, Inspected.of(f"way from {pods.vpc_id} to {wanted.vpc_id}", differences)]


def _difference(gap: Gap, pods: Network, wanted: PeerRequest) -> Difference:
    names = {"pods": pods.vpc_id, "mounts": wanted.vpc_id, "remedy": gap.remedy}
    match gap.kind:
        case "link":
            return NOT_JOINED.found(expected="joins the two", actual=gap.what, link=gap.resource, **names)
        case "route":
            return ROUTE_MISSING.found(expected=list(gap.lacks), actual=_NOWHERE, table=gap.resource, **names)
        case "route back":
            return ROUTE_BACK_MISSING.found(expected=list(gap.lacks), actual=_NOWHERE, table=gap.resource, **names)
