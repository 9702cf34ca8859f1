"""Clusters as the claims table has them: how each is, in words, and where the pages about it are."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from provisioner.kubernetes.measurements import Proof, measurements

Tone = Literal["good", "warn", "bad", "quiet"]

ATTRIBUTES: Final = (
    "cluster",
    "status",
    "organizational_unit_id",
    "proven",
    "proven_at",
    "verified_at",
    "created_at",
    "failed_at",
    "execution_arn",
    "claimed_for",
    "claimed_at",
    "checks",
    "support",
    "measured",
    "removal_failure",
    "removed_at",
    "kept_file_system",
)
_WORKS: Final = {"changing": "a run", "reading": "a check", "removing": "a removal"}
_CHECKED: Final[Mapping[str, tuple[str, Tone]]] = {
    "Verified": ("Verified", "good"),
    "Drifted": ("Drifted", "warn"),
    "NotRepaired": ("Not repaired", "bad"),
    "Failed": ("Storage failed", "bad"),
    "Unreachable": ("Unreachable", "bad"),
}


@dataclass(frozen=True)
class Check:
    """How one check ended; `page` is relative to the bucket's root."""

    at: datetime
    status: str
    depth: str
    differences: int
    page: str

    @property
    def said(self) -> str:
        return _CHECKED[self.status][0]

    @property
    def tone(self) -> Tone:
        return _CHECKED[self.status][1]


@dataclass(frozen=True)
class ClusterState:
    """`item`: the record's attributes, of those in ATTRIBUTES that it has, as text."""

    item: Mapping[str, str]

    @property
    def place(self) -> tuple[str, str, str]:
        """Account, region, name."""
        account_id, region, name = self.item["cluster"].split("#")
        return account_id, region, name

    @property
    def name(self) -> str:
        return self.place[2]

    @property
    def unit(self) -> str | None:
        return self.item.get("organizational_unit_id")

    @property
    def checks(self) -> Sequence[Check]:
        """The latest, oldest first."""
        return [
            Check(
                datetime.fromisoformat(each["at"]),
                each["status"],
                each["depth"],
                each["differences"],
                self._page(each["execution"]),
            )
            for each in json.loads(self.item.get("checks", "[]"))
        ]

    @property
    def proofs(self) -> Sequence[Proof]:
        return measurements(self.item.get("measured"))

    @property
    def proven_at(self) -> datetime | None:
        """When its pods last wrote and read: in a run, or in a check of the behaviour that found nothing."""
        by_checks = [each.at for each in self.checks if (each.status, each.depth) == ("Verified", "behaviour")]
        return max([*by_checks, *filter(None, (self._moment("proven_at"), self._moment("verified_at")))], default=None)

    @property
    def created_at(self) -> datetime | None:
        return self._moment("created_at")

    @property
    def removed_at(self) -> datetime | None:
        return self._moment("removed_at")

    @property
    def version(self) -> str | None:
        proven: Mapping[str, Any] = json.loads(self.item.get("proven", "{}"))
        version: str | None = proven.get("cluster", {}).get("version")
        return version

    @property
    def support(self) -> Mapping[str, Any]:
        """As the last check of an ACTIVE cluster was told; empty when none was, or it is of another version."""
        found: Mapping[str, Any] = json.loads(self.item.get("support", "null")) or {}
        return found if found.get("version") == self.version else {}

    @property
    def kept_file_system_id(self) -> str | None:
        kept = json.loads(self.item.get("kept_file_system", "null"))
        return kept["id"] if kept else None

    @property
    def state(self) -> tuple[str, Tone]:
        """What the last thing that ended said of it."""
        status, checks = self.item.get("status"), self.checks
        if status == "Removing":
            return ("Not removed", "bad") if "removal_failure" in self.item else ("Being removed", "quiet")
        if status is None:
            return "Not proven yet", "quiet"
        if status == "Removed":
            return "Removed", "quiet"
        run_at = self._moment("failed_at" if status == "Failed" else "verified_at")
        if checks and (run_at is None or checks[-1].at > run_at):
            return checks[-1].said, checks[-1].tone
        return ("Failed", "bad") if status == "Failed" else ("Ready", "good")

    @property
    def held(self) -> tuple[str, datetime] | None:
        """What works on it, or did and was stopped, and since when."""
        since = self._moment("claimed_at")
        return (_WORKS[self.item["claimed_for"]], since) if since else None

    @property
    def run_page(self) -> str | None:
        """About the last run, or the removal after it; none while the first one, or a removal, is under way."""
        if "execution_arn" not in self.item or self.state[0] == "Being removed":
            return None
        return self._page(self.item["execution_arn"].rsplit(":", 1)[-1])

    def _page(self, execution: str) -> str:
        return "/".join((*self.place, execution, "report.html"))

    def _moment(self, name: str) -> datetime | None:
        return datetime.fromisoformat(self.item[name]) if name in self.item else None


def states(items: Sequence[Mapping[str, Mapping[str, str]]]) -> list[ClusterState]:
    """Of the table's items, by account, region and name."""
    found = [ClusterState({name: next(iter(value.values())) for name, value in item.items()}) for item in items]
    return sorted(found, key=lambda each: each.place)


@dataclass(frozen=True)
class Index:
    """All that the page of all clusters says."""

    clusters: Sequence[ClusterState]
    written_at: datetime
    fleet_page: str | None

    @property
    def present(self) -> list[ClusterState]:
        return [each for each in self.clusters if each.removed_at is None]

    @property
    def removed(self) -> list[ClusterState]:
        return [each for each in self.clusters if each.removed_at is not None]

    @property
    def counts(self) -> list[tuple[str, int]]:
        return sorted(Counter(each.state[0] for each in self.present).items())
