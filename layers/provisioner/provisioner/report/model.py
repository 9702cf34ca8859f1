"""All that the page says, as data: the template only places it. Same input, same page."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from provisioner.kubernetes.proof import run_id_of
from provisioner.report.history import Event, read
from provisioner.report.picture import Picture, picture
from provisioner.report.timeline import Timeline, timeline
from provisioner.report.topology import Pod, Topology, pods_of, topology

Outcome = Literal["ready", "failed", "drifted", "removed"]

# The states that draw the page; in the middle of their own work, they have nothing to say about themselves.
DRAWING_STATES: Final = {
    "ready": "Store evidence",
    "failed": "Report failure",
    "drifted": "Store evidence",
    "removed": "Report removal",
}


@dataclass(frozen=True)
class PodRow:
    pod: Pod
    seen: Mapping[str, Any]
    """The pod's part of the evidence."""


@dataclass(frozen=True)
class FileRow:
    file: Mapping[str, Any]
    written_by: str
    matches: bool | None
    """Whether the reader's hash is the writer's own; None for a file that several pods write."""


@dataclass(frozen=True)
class Report:
    outcome: Outcome
    detail: Mapping[str, Any]
    cluster: str
    request: tuple[tuple[str, str], ...]
    started: datetime
    ended: datetime
    timeline: Timeline
    topology: Topology
    pictures: tuple[tuple[str, Picture], ...]
    pods: tuple[PodRow, ...]
    files: tuple[FileRow, ...]

    @property
    def evidence(self) -> Mapping[str, Any]:
        return self.detail.get("evidence") or {}

    @property
    def failure(self) -> Mapping[str, Any]:
        return self.detail.get("failure") or {}

    @property
    def diagnosis(self) -> list[Mapping[str, Any]]:
        return self.detail.get("diagnosis") or []

    @property
    def drift(self) -> list[Mapping[str, Any]]:
        return self.detail.get("drift") or []


def report(request: Mapping[str, Any], detail: Mapping[str, Any], events: Iterable[Event]) -> Report:
    """From the detail of the event that the run ends with, the request ({} when it was refused) and the history."""
    outcome = _outcome(detail)
    history = read(events)
    evidence = detail.get("evidence") or {}
    cluster = str((detail.get("cluster") or {}).get("name") or (request.get("cluster") or {}).get("name") or "")
    built = topology(history, evidence, cluster, run_id_of(str(detail["execution_arn"])))
    line = timeline(
        history,
        without=DRAWING_STATES[outcome],
        failed_state=str((detail.get("failure") or {}).get("state", "")),
    )
    return Report(
        outcome=outcome,
        detail=detail,
        cluster=cluster,
        request=tuple(_flat(request)),
        started=history.started.astimezone(UTC),
        ended=history.ended.astimezone(UTC),
        timeline=line,
        topology=built,
        pictures=tuple(
            (name, picture(built, columns=columns)) for name, columns in (("wide", 3), ("medium", 2), ("narrow", 1))
        ),
        pods=tuple(_pod_rows(evidence)),
        files=tuple(_file_rows(evidence)),
    )


def _outcome(detail: Mapping[str, Any]) -> Outcome:
    if "failure" in detail:
        return "failed"
    if "removed" in detail:
        return "removed"
    return "drifted" if detail.get("drift") else "ready"


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """`cluster.name`, "eks-example": every field of the request with what it was after defaults."""
    if isinstance(value, Mapping) and (value or not path):
        for name, inner in value.items():
            yield from _flat(inner, f"{path}.{name}" if path else str(name))
    else:
        yield path, _spoken(value)


def _spoken(value: Any) -> str:
    match value:
        case None:
            return "not set"
        case bool():
            return "yes" if value else "no"
        case []:
            return "none"
        case list():
            return ", ".join(map(_spoken, value))
        case dict():
            return "none"
        case _:
            return str(value)


def _pod_rows(evidence: Mapping[str, Any]) -> Iterator[PodRow]:
    seen = [*(evidence.get("writers") or []), evidence.get("appender"), evidence.get("reader")]
    for pod, part in zip(pods_of(evidence), filter(None, seen), strict=True):
        yield PodRow(pod, part)


def _file_rows(evidence: Mapping[str, Any]) -> Iterator[FileRow]:
    reader = evidence.get("reader") or {}
    written = {
        file["name"]: (row.pod.short_name, file["sha256"])
        for row in _pod_rows(evidence)
        if row.pod.role != "reader"
        for file in row.seen["files"]
    }
    for file in reader.get("files") or []:
        name, sha256 = written.get(file["name"], ("all writers", None))
        yield FileRow(file, name, None if sha256 is None else sha256 == file["sha256"])
