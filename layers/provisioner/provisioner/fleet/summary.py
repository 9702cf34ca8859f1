"""What the checks of all clusters came to, read from where the map wrote its results."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# The status of a check -> its name in the event. Whatever else a check ended with, it could not be made.
_COUNTED: Final[Mapping[str, str]] = {
    "Verified": "verified",
    "Drifted": "drifted",
    "NotRepaired": "drifted",
    "Failed": "failed",
    "Busy": "busy",
    "NotRecorded": "never_proven",
}
_UNREACHABLE: Final = "unreachable"
_NEED_NOBODY: Final = frozenset({"Verified", "Busy", "NotRecorded"})
# An event has room for 256 KiB; this many leave most of it free. All of them are in the results.
_LISTED: Final = 200
_CAUSE_CHARACTERS: Final = 300
# As early as AWS itself gives notice. Source: EKS user guide, "Understand the Kubernetes version lifecycle on EKS".
_SUPPORT_DAYS: Final = 60


@dataclass(frozen=True)
class Summary:
    """`counts` are clusters by outcome; `attention` are those that somebody has to look at.

    `leaving_support` are those whose version leaves standard support soon, or has, the most urgent first.
    """

    counts: Mapping[str, int]
    attention: Sequence[Mapping[str, Any]]
    leaving_support: Sequence[Mapping[str, Any]]

    def payload(self) -> dict[str, Any]:
        """{counts: {verified, …}, attention, attention_left_out, leaving_support, leaving_support_left_out}."""
        return {
            "counts": self.counts,
            "attention": self.attention[:_LISTED],
            "attention_left_out": max(0, len(self.attention) - _LISTED),
            "leaving_support": self.leaving_support[:_LISTED],
            "leaving_support_left_out": max(0, len(self.leaving_support) - _LISTED),
        }

    @property
    def metrics(self) -> dict[str, int]:
        """Names of CloudWatch metrics with their values: ClustersVerified, ClustersNeverProven, …"""
        counts = {**self.counts, "leaving_support": len(self.leaving_support)}
        return {f"Clusters{name.title().replace('_', '')}": count for name, count in counts.items()}


def summarise(listed: Mapping[str, Any], results: Mapping[str, str] | None, s3: "S3Client", today: date) -> Summary:
    """Count the outcomes at `results` ({Bucket, Key} of the manifest, or None without any) and who was left out before.

    Source: Step Functions developer guide, "ResultWriter (Map)"; S3 API, GetObject.
    """
    counts = Counter(busy=listed["busy"], never_proven=listed["never_proven"])
    attention, leaving = [], []
    for outcome in _outcomes(results, s3) if results else ():
        counts[_COUNTED.get(outcome["status"], _UNREACHABLE)] += 1
        support = outcome.pop("support", None)
        if outcome["status"] not in _NEED_NOBODY:
            attention.append({**outcome, "cause": (outcome.get("cause") or "")[:_CAUSE_CHARACTERS] or None})
        leaving += _leaving(outcome, support, today) if support else []
    names = [*_COUNTED.values(), _UNREACHABLE]
    return Summary(
        {name: counts[name] for name in names},
        sorted(attention, key=lambda each: str(each["cluster_name"])),
        sorted(leaving, key=lambda each: (each["days_left"], each["cluster_name"])),
    )


def _leaving(outcome: Mapping[str, Any], support: Mapping[str, Any], today: date) -> list[dict[str, Any]]:
    """The cluster, when its version leaves standard support soon or has left it."""
    if support["standard_until"] is None:
        return []
    days_left = (date.fromisoformat(support["standard_until"]) - today).days
    if days_left > _SUPPORT_DAYS:
        return []
    place = {name: outcome[name] for name in ("account_id", "region", "cluster_name")}
    told = {name: support[name] for name in ("version", "upgrade_policy", "standard_until")}
    return [{**place, **told, "days_left": days_left}]


def _outcomes(results: Mapping[str, str], s3: "S3Client") -> Iterator[dict[str, Any]]:
    """The outputs of the child executions: none fails, since each catches what befalls it."""
    manifest = _read(s3, results["Bucket"], results["Key"])
    for file in manifest["ResultFiles"]["SUCCEEDED"]:
        for execution in _read(s3, results["Bucket"], file["Key"]):
            yield json.loads(execution["Output"])


def _read(s3: "S3Client", bucket: str, key: str) -> Any:
    return json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
