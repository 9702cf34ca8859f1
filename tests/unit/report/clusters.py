"""Records of clusters in every state, and a checked fleet, as the index and the fleet's page tell of them."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any, Final

from provisioner.report.state import ClusterState, Index

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
HOSTILE = "<script>document.title='broken'</script>\"'>&{{ 7 * 7 }}" + "x" * 200
PLACE = "111122223333#eu-west-1#"


def check(day: int, status: str, depth: str, differences: int) -> dict[str, Any]:
    ended = {"at": f"2026-11-{day}T06:00:00.000Z", "status": status, "depth": depth, "differences": differences}
    return {**ended, "execution": f"check-{day}"}


CHECKS = [check(26, "Verified", "behaviour", 0), check(27, "Drifted", "configuration", 2)]
PROVEN = {"cluster": {"name": "eks", "version": "1.34"}, "file_system": {}, "storage": {}}
SUPPORT = {"version": "1.34", "upgrade_policy": "STANDARD", "is_extended": False, "standard_until": "2027-03-01"}
REMOVED = {"status": "Removed", "removed_at": "2026-11-25T06:00:00.000Z", "proven_at": "2026-11-20T06:00:00.000Z"}


def proof(run_id: str, *seconds: float) -> dict[str, Any]:
    """One zone for each of `seconds`."""
    spreads = [{"median": each, "worst": each + 3, "count": 3} for each in seconds]
    zones = {
        f"eu-west-1{number}": {"mounted_seconds": each, "small_write_milliseconds": each}
        for number, each in enumerate(spreads)
    }
    return {"run_id": run_id, "at": "2026-11-26T06:00:00Z", "file_system_id": "fs-1", "clock": "date", "zones": zones}


def record(name: str, **attributes: str) -> ClusterState:
    proven = {"proven": json.dumps(PROVEN), "verified_at": "2026-11-20T06:00:00.000Z", "execution_arn": "x:run-1"}
    return ClusterState({"cluster": PLACE + name, "status": "Ready", **proven, **attributes})


def checked(status: str) -> dict[str, str]:
    return {"checks": json.dumps([*CHECKS, check(28, status, "configuration", 0)])}


def index() -> Index:
    measured = json.dumps([proof("a", 61.5), proof("b", 48.0), proof("c", 70.25)])
    more = {"support": json.dumps(SUPPORT), "measured": measured, "created_at": "2026-10-01T06:00:00+00:00"}
    first = {"cluster": PLACE + "eks-first", "claimed_for": "changing", "claimed_at": NOW.isoformat()}
    return Index(
        [
            record("eks-new"),
            record("eks-well", **checked("Verified"), **more),
            record("eks-drifted", **checked("Drifted")),
            record("eks-unreachable", **checked("Unreachable")),
            record("eks-broken", **checked("Failed"), organizational_unit_id="ou-abcd-12345678"),
            record("eks-unmended", **checked("NotRepaired")),
            record("eks-failed", status="Failed", failed_at="2026-11-28T07:00:00.000Z"),
            record("eks-busy", claimed_for="reading", claimed_at="2026-11-28T11:59:00+00:00"),
            record("eks-going", status="Removing"),
            record("eks-stuck", status="Removing", removal_failure="{}"),
            ClusterState(first),
            record("eks-gone", **REMOVED, kept_file_system=json.dumps({"id": "fs-0123456789abcdef0"})),
        ],
        NOW,
        "fleet/report.html",
    )


def hostile_index() -> Index:
    """What people or AWS name is long and markup."""
    proven = {"cluster": {"name": HOSTILE, "version": HOSTILE}, "file_system": {}, "storage": {}}
    support = {**SUPPORT, "version": HOSTILE, "standard_until": HOSTILE}
    many = [{**CHECKS[number % 2], "execution": HOSTILE} for number in range(30)]
    texts = {"organizational_unit_id": HOSTILE, "proven": json.dumps(proven), "support": json.dumps(support)}
    kept = {"kept_file_system": json.dumps({"id": HOSTILE})}
    clusters = [record("x" * 100 + HOSTILE, **texts, checks=json.dumps(many)), record(HOSTILE, **REMOVED, **kept)]
    return Index(clusters, NOW, None)


CHANGED: Final = {
    "resource": "account 111122223333",
    "path": "left_out",
    "expected": None,
    "severity": "information",
    "repairable": False,
}


def fleet(text: str = "why") -> Mapping[str, Any]:
    where = {"account_id": "111122223333", "region": "eu-west-1"}
    place = {**where, "cluster_name": "eks-one"}
    support = {"version": "1.31", "upgrade_policy": "EXTENDED", "standard_until": "2026-11-26", "days_left": -2}
    return {
        "schema_version": "1",
        "request_id": "fleet-1",
        "depth": "configuration",
        "counts": {"verified": 7, "drifted": 1, "failed": 0, "unreachable": 1, "busy": 0, "never_proven": 0},
        "attention": [
            {**place, "status": "Drifted", "differences": 2, "execution_arn": "x:check-27", "cause": None},
            {**place, "status": "States.Timeout", "differences": 0, "execution_arn": None, "cause": text},
        ],
        "attention_left_out": 0,
        "leaving_support": [{**place, **support}],
        "leaving_support_left_out": 0,
        "new_accounts": ["444455556666"],
        "new_accounts_failure": {"state": "Find new accounts", "error": "RetryableError", "cause": text},
        "accounts_left_out": [{"account_id": "777788889999", "because": text}],
        "accounts_changed": [{**place, **CHANGED, "actual": text, "fix": f"nothing is changed by itself: {text}"}],
        "accounts_changed_left_out": 2,
        "orphans": [{**where, "cluster": text, "arn": f"arn:aws:eks:{text}", "monthly_usd": 73.0}],
        "orphans_left_out": 0,
        "orphans_monthly_usd": 73.0,
        "orphans_not_looked_at": [{**where, "cause": text}],
        "orphans_failure": None,
        "report_url": None,
        "execution_arn": "x:fleet-1",
    }


class Links(HTMLParser):
    """Where the page's links lead, in its order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.found += [value for name, value in attrs if name == "href" and value]
