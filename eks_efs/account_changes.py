"""Accounts that are not what they were when their clusters were made, as the newest check of the fleet told of them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from eks_efs.executions import describe, ended_well
from eks_efs.records import Record
from eks_efs.stack import Stack

# The schedules start one or two a day: more than that without a comparison and what is older says little of today.
_CHECKS: Final = 20


@dataclass(frozen=True)
class Comparison:
    """What a check of the fleet told when it began, at `at`; what an event had no room for is counted."""

    at: datetime
    changed: Sequence[Mapping[str, Any]]
    left_out: int

    def of(self, record: Record) -> list[Mapping[str, Any]] | None:
        """Its account's changes; None where they are not known: none were listed of all, or it was made later."""
        if record.removed_at is not None or record.verified_at is None or _moment(record.verified_at) > self.at:
            return None
        place = (record.account_id, record.region, record.cluster)
        found = [each for each in self.changed if (each["account_id"], each["region"], each["cluster_name"]) == place]
        return found or (None if self.left_out else [])


def with_account_changes(stack: Stack, found: Sequence[Record]) -> tuple[list[Record], int]:
    """The records, each with what the newest check that compared accounts told of its own; how many it left out."""
    compared = next(_comparisons(stack), None)
    if compared is None:
        return list(found), 0
    at = compared.at.isoformat(timespec="seconds")
    return [
        replace(each, account_changes=compared.of(each), accounts_compared_at=at) for each in found
    ], compared.left_out


def _comparisons(stack: Stack) -> Iterator[Comparison]:
    """The newest first. A check that was not asked to look for accounts compares none, and lists none all the same."""
    for arn in ended_well(stack, "Fleet", _CHECKS):
        check = describe(stack, arn)
        output = json.loads(check["output"])
        given = json.loads(check["input"])
        asked = given.get("find_new_accounts") if isinstance(given, Mapping) else None
        if asked if asked is not None else bool(stack.parameters.get("EnrolledUnits")):
            left_out = output.get("accounts_changed_left_out", 0)
            yield Comparison(check["startDate"], output.get("accounts_changed", []), left_out)


def _moment(text: str) -> datetime:
    then = datetime.fromisoformat(text)
    return then if then.tzinfo else then.replace(tzinfo=UTC)
