"""The recorded clusters: what is known of each without asking it."""

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from eks_efs.endings import WrongInput
from eks_efs.stack import Stack
from provisioner.fleet.records import scan

_WORKS: Final = {"changing": "Provisioning", "reading": "Checking", "removing": "Removing"}
_LISTED: Final = 5
_ATTRIBUTES: Final = (
    "cluster",
    "status",
    "proven",
    "request",
    "claimed_by",
    "claimed_for",
    "execution_arn",
    "verified_at",
    "proven_at",
    "created_at",
    "failed_at",
    "checked_at",
    "check_status",
    "check_depth",
    "differences",
    "removed_at",
    "failure",
    "check_failure",
    "removal_failure",
)


@dataclass(frozen=True)
class Record:
    """Times are ISO 8601 or None; `check` is how the last check ended, `held_by` the execution that works on it.

    `account_changes` are differences of its account since it was made, as a check of the fleet found them at
    `accounts_compared_at`; None where that is not known.
    """

    cluster: str
    account_id: str
    region: str
    organizational_unit_id: str | None
    state: str
    version: str | None
    created_at: str | None
    verified_at: str | None
    checked_at: str | None
    check: str | None
    differences: int
    removed_at: str | None
    held_by: str | None
    execution_arn: str | None
    failure: dict[str, Any] | None
    account_changes: list[Mapping[str, Any]] | None = None
    accounts_compared_at: str | None = None

    @property
    def folder(self) -> str:
        """Of its evidence and reports, in the stack's bucket."""
        return f"{self.account_id}/{self.region}/{self.cluster}/"

    @property
    def named(self) -> str:
        return f"{self.account_id}/{self.region}/{self.cluster}"

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def every(stack: Stack) -> list[Record]:
    """All of them, by account, region and name."""
    found = scan(stack.client("dynamodb"), stack.outputs["ClaimsTableName"], *_ATTRIBUTES)
    return sorted((_record(stack, item) for item in found), key=lambda record: record.named)


def one(stack: Stack, named: str) -> Record:
    """The record of <cluster> or <account>/<region>/<cluster>. Raises: WrongInput for none, and for several."""
    known = every(stack)
    meant = [record for record in known if named in (record.cluster, record.named)]
    if len(meant) == 1:
        return meant[0]
    if meant:
        listed = _listed(record.named for record in meant)
        raise WrongInput(f"{named!r} are several clusters: name one as account/region/cluster, of {listed}")
    if not known:
        raise WrongInput(f"there is no cluster {named!r}: no run has begun in this stack yet")
    close = difflib.get_close_matches(named, [record.cluster for record in known], n=1)
    hint = f"did you mean {close[0]}?" if close else f"recorded are {_listed(record.cluster for record in known)}"
    raise WrongInput(f"there is no cluster {named!r}; {hint}")


def ago(moment: str | None, now: datetime) -> str:
    """For people: how long ago that was."""
    if moment is None:
        return "never"
    then = datetime.fromisoformat(moment)
    seconds = (now - (then if then.tzinfo else then.replace(tzinfo=UTC))).total_seconds()
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit} ago"
    return "just now"


def _record(stack: Stack, item: Mapping[str, Mapping[str, str]]) -> Record:
    values = {name: next(iter(value.values())) for name, value in item.items()}
    account_id, region, cluster = values["cluster"].split("#")
    holder = values.get("claimed_by")
    held_by = holder if holder and _is_running(stack, holder) else None
    proven, request = (json.loads(values.get(name, "{}")) for name in ("proven", "request"))
    failure = next(
        (json.loads(values[name]) for name in ("removal_failure", "failure", "check_failure") if name in values), None
    )
    return Record(
        cluster=cluster,
        account_id=account_id,
        region=region,
        organizational_unit_id=request.get("organizational_unit_id"),
        state=_WORKS[values["claimed_for"]] if held_by else values.get("status", "Unknown"),
        version=proven.get("cluster", {}).get("version"),
        created_at=values.get("created_at"),
        # A removal takes the first away, so that nobody checks what is going; the second stays.
        verified_at=values.get("verified_at", values.get("proven_at")),
        checked_at=values.get("checked_at"),
        check=values.get("check_status"),
        differences=int(values.get("differences", 0)),
        removed_at=values.get("removed_at"),
        held_by=held_by,
        execution_arn=values.get("execution_arn"),
        failure=failure,
    )


def _is_running(stack: Stack, execution_arn: str) -> bool:
    """A claim that a killed execution left behind holds nobody up."""
    client = stack.client("stepfunctions")
    try:
        return str(client.describe_execution(executionArn=execution_arn)["status"]) == "RUNNING"
    except client.exceptions.ExecutionDoesNotExist:
        return False


def _listed(names: Iterable[str]) -> str:
    every_name = list(names)
    more = f" and {len(every_name) - _LISTED} more" if len(every_name) > _LISTED else ""
    return ", ".join(every_name[:_LISTED]) + more
