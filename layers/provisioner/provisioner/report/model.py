"""All that the page says, as data: the template only places it. Same input, same page."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

from provisioner.kubernetes.proof import run_id_of
from provisioner.report.history import Event, read
from provisioner.report.picture import Picture, picture
from provisioner.report.speed import Speed, speed
from provisioner.report.timeline import Timeline, timeline
from provisioner.report.topology import Pod, Topology, pod, seen_by, topology, volumes_of

Outcome = Literal["ready", "verified", "failed", "drifted", "removed"]

# The states that draw the page; in the middle of their own work, they have nothing to say about themselves.
DRAWING_STATES: Final = {
    "ready": "Store evidence",
    "failed": "Report failure",
    "removed": "Report removal",
}
_DRAWING_CHECKS: Final = "Write pages"


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
class Volume:
    """One volume's part of the proof; `name` is empty in evidence from before there could be several."""

    name: str
    claim: str
    seen: Mapping[str, Any]
    pods: tuple[PodRow, ...]
    files: tuple[FileRow, ...]

    @property
    def attempts(self) -> list[Mapping[str, Any]]:
        """What its pods could read of what volumes hold."""
        return (self.seen.get("neighbour") or {}).get("attempts") or []


@dataclass(frozen=True)
class Report:
    outcome: Outcome
    detail: Mapping[str, Any]
    cluster: str
    request: tuple[tuple[str, str, str], ...]
    """(field, value, where the value came from when nobody asked for it)"""
    started: datetime
    ended: datetime
    timeline: Timeline
    topology: Topology
    pictures: tuple[tuple[str, Picture], ...]
    volumes: tuple[Volume, ...]
    speed: Speed | None

    @property
    def is_check(self) -> bool:
        return _is_check(self.detail)

    @property
    def evidence(self) -> Mapping[str, Any]:
        return self.detail.get("evidence") or {}

    @property
    def writers(self) -> int:
        return sum(len(volume.seen["writers"]) for volume in self.volumes)

    @property
    def unlisted(self) -> list[Mapping[str, Any]]:
        """Volumes of the cluster that were not asked for any more."""
        return (self.detail.get("storage") or {}).get("unlisted") or []

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
        without=_DRAWING_CHECKS if _is_check(detail) else DRAWING_STATES[outcome],
        failed_state=str((detail.get("failure") or {}).get("state", "")),
    )
    return Report(
        outcome=outcome,
        detail=detail,
        cluster=cluster,
        request=tuple(_asked(request)),
        started=history.started.astimezone(UTC),
        ended=history.ended.astimezone(UTC),
        timeline=line,
        topology=built,
        pictures=tuple(
            (name, picture(built, columns=columns)) for name, columns in (("wide", 3), ("medium", 2), ("narrow", 1))
        ),
        volumes=tuple(_volume(each, str(evidence["run_id"])) for each in volumes_of(evidence) if each),
        speed=speed(evidence),
    )


def _outcome(detail: Mapping[str, Any]) -> Outcome:
    if "failure" in detail:
        return "failed"
    if "removed" in detail:
        return "removed"
    if "checked_at" in detail:
        return "drifted" if detail["drift"] else "verified"
    return "ready"


def _is_check(detail: Mapping[str, Any]) -> bool:
    """Only a check that failed tells of differences too."""
    return "checked_at" in detail or "drift" in detail


def _asked(request: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    origins = request.get("from_defaults") or {}
    for path, value in _flat({name: each for name, each in request.items() if name != "from_defaults"}):
        yield path, value, origins.get(path, "")


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """`cluster.name`, "eks-example": every field of the request with what it was after defaults."""
    if isinstance(value, Mapping) and (value or not path):
        for name, inner in value.items():
            yield from _flat(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list) and any(isinstance(each, Mapping) for each in value):
        for number, inner in enumerate(value):
            yield from _flat(inner, f"{path}[{number}]")
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


def _volume(seen: Mapping[str, Any], run_id: str) -> Volume:
    rows = tuple(PodRow(pod(role, found, run_id), found) for role, found in seen_by(seen))
    return Volume(
        name=str(seen.get("persistent_volume") or ""),
        claim=f"{seen['namespace']}/{seen['claim']}" if "claim" in seen else "",
        seen=seen,
        pods=rows,
        files=tuple(_file_rows(seen, rows)),
    )


def _file_rows(seen: Mapping[str, Any], rows: Iterable[PodRow]) -> Iterator[FileRow]:
    written = {
        file["name"]: (row.pod.short_name, file["sha256"])
        for row in rows
        if row.pod.role != "reader"
        for file in row.seen["files"]
    }
    for file in (seen.get("reader") or {}).get("files") or []:
        name, sha256 = written.get(file["name"], ("all writers", None))
        yield FileRow(file, name, None if sha256 is None else sha256 == file["sha256"])
