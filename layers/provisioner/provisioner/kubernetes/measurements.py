"""How good the storage was in each proof: what its pods measured, zone by zone, in numbers that people compare.

A cluster's record keeps them as JSON, oldest first; `measurements` reads it.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median_low
from typing import Final

from pydantic import BaseModel, ConfigDict, TypeAdapter

from provisioner.kubernetes.evidence import Evidence, PodEvidence

# Of a year when it is proven monthly; a record is read whole, and paid for by the kilobyte.
KEPT: Final = 12
UNKNOWN_ZONE: Final = "zone not known"
_LARGE_MIB: Final = 4


@dataclass(frozen=True)
class Measure:
    """`of` one pod: all that it measured, in `unit`. `documented`: what EFS's own user guide says of it."""

    name: str
    title: str
    unit: str
    of: Callable[[PodEvidence], Iterable[float]]
    documented: str
    is_rate: bool = False
    """The more, the better; of all others, the less."""


class Spread(BaseModel):
    """Of as many as were measured; the median is one of them."""

    model_config = ConfigDict(frozen=True)

    median: float
    worst: float
    count: int


class Proof(BaseModel):
    """Of one proof. `zones`: zone -> name of the measure -> what was measured there; what was not, is not there."""

    model_config = ConfigDict(frozen=True)

    run_id: str
    at: str
    file_system_id: str
    clock: str | None
    zones: Mapping[str, Mapping[str, Spread]]


def _seconds_until_mounted(pod: PodEvidence) -> Iterable[float]:
    """Kubernetes starts a container once its volumes are mounted and its image is there: by then it surely was."""
    try:
        passed = datetime.fromisoformat(pod.running) - datetime.fromisoformat(pod.created)
    except (TypeError, ValueError):
        return  # evidence takes any text for a time of Kubernetes', also one without a zone
    if passed.total_seconds() >= 0:
        yield passed.total_seconds()


def _milliseconds(name: str) -> Callable[[PodEvidence], Iterable[float]]:
    def of(pod: PodEvidence) -> Iterable[float]:
        return [each / 1000 for each in getattr(pod.measured, name)] if pod.measured else []

    return of


def _mib_per_second(name: str) -> Callable[[PodEvidence], Iterable[float]]:
    def of(pod: PodEvidence) -> Iterable[float]:
        return [_LARGE_MIB * 1e6 / max(each, 1) for each in getattr(pod.measured, name)] if pod.measured else []

    return of


# Source of what is documented: EFS user guide, "Amazon EFS performance specifications", the table of General Purpose
# mode, Regional: a single operation "under optimal conditions" (a small file takes several), and the most that one
# client gets (1,500 MiB/s with throughput mode elastic and a new client), which is by far more than 4 MiB show.
MEASURES: Final = (
    Measure("mounted_seconds", "pod created until mounted", "s", _seconds_until_mounted, "not by EFS: a node starts"),
    Measure(
        "small_write_milliseconds",
        "small file written",
        "ms",
        _milliseconds("small_write"),
        "an operation: from 2.7 ms",
    ),
    Measure("small_read_milliseconds", "small file read", "ms", _milliseconds("small_read"), "an operation: from 1 ms"),
    Measure(
        "sequential_write_mib_per_second",
        "4 MiB written",
        "MiB/s",
        _mib_per_second("sequential_write"),
        "a client: to 500 MiB/s",
        is_rate=True,
    ),
    Measure(
        "sequential_read_mib_per_second",
        "4 MiB read",
        "MiB/s",
        _mib_per_second("sequential_read"),
        "a client: to 500 MiB/s",
        is_rate=True,
    ),
)

_PROOFS: Final = TypeAdapter(list[Proof])


def measurements(recorded: str | None) -> list[Proof]:
    """The measurements of a cluster's last proofs, that of the latest last; at most KEPT of them.

    `recorded`: the attribute `measured` of its item in the claims table; None, and so []: nothing was measured yet.
    A cluster that was removed and made anew may have those of two file systems.
    """
    return _PROOFS.validate_json(recorded) if recorded else []


def proof_of(evidence: Evidence) -> Proof:
    pods: dict[str, list[PodEvidence]] = {}
    for volume in evidence.volumes:
        others = (volume.appender, volume.neighbour, volume.reader)
        for pod in (*volume.writers, *(each for each in others if each)):
            pods.setdefault(pod.zone or UNKNOWN_ZONE, []).append(pod)
    clocks = {pod.measured.clock for each in pods.values() for pod in each if pod.measured}
    return Proof(
        run_id=evidence.run_id,
        at=evidence.verified_at,
        file_system_id=evidence.file_system_id,
        clock=" and ".join(sorted(clocks)) or None,
        zones={zone: dict(_spreads(each)) for zone, each in sorted(pods.items())},
    )


def recorded_with(earlier: str, latest: Proof) -> str:
    """What the record holds from now on: the same however often it is asked for one proof."""
    others = [each for each in measurements(earlier) if each.run_id != latest.run_id]
    kept = [each.model_dump(mode="json") for each in (*others, latest)][-KEPT:]
    return json.dumps(kept, separators=(",", ":"))


def _spreads(pods: Sequence[PodEvidence]) -> Iterable[tuple[str, Spread]]:
    for measure in MEASURES:
        values = sorted(round(value, 3) for pod in pods for value in measure.of(pod))
        if values:
            worst = values[0] if measure.is_rate else values[-1]
            yield measure.name, Spread(median=median_low(values), worst=worst, count=len(values))
