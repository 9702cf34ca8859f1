"""Whether the control plane's logs are kept as long as asked for, and have the tags that were."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from provisioner.difference import EXISTS, DriftKind, Inspected, Severity
from provisioner.request import Request
from provisioner.resources.cluster_logs import log_group_name
from provisioner.resources.ownership import tagging

if TYPE_CHECKING:
    from mypy_boto3_logs.type_defs import LogGroupTypeDef

MISSING = DriftKind(
    resource="log group {group}",
    path=EXISTS,
    severity=Severity.WARNING,
    meaning="The logs that were kept are gone; EKS makes the group again and then keeps everything for ever.",
    fix="a run makes {group} again; what was in it is lost",
)
RETENTION = DriftKind(
    resource="log group {group}",
    path="retentionInDays",
    severity=Severity.WARNING,
    meaning="The control plane's logs are kept longer or shorter than asked for; none means for ever, which costs.",
    fix="a run has {group} keep its logs for {expected} days",
)


def inspect(request: Request, group: "LogGroupTypeDef | None", tags: Mapping[str, str]) -> Inspected:
    """The log group as it is, None when absent, against what `ensure` converges to. Its name says whose it is."""
    name, wanted = log_group_name(request), request.cluster.control_plane_log_retention_days
    resource = f"log group {name}"
    if group is None:
        wants_logs = bool(request.cluster.control_plane_logs)
        return Inspected.of(resource, [MISSING.missing(group=name)] if wants_logs else [])
    actual = group.get("retentionInDays")
    kept = [RETENTION.found(expected=wanted, actual=actual, group=name)] if actual != wanted else []
    return Inspected.of(resource, [*kept, *tagging(request, tags, resource)])
