"""How fast the storage was, for people: a row for each thing that was measured, a cell for each zone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from provisioner.kubernetes.evidence import Evidence
from provisioner.kubernetes.measurements import MEASURES, Measure, Proof, Spread, proof_of

_CLOCKS: Final[Mapping[str | None, str]] = {
    None: "The pods' image has nothing that could tell how long single calls took",
    "dd": "Calls are timed by dd in the pods, to the microsecond, from before it opens to after it closes",
    "dd-once-open": "Calls are timed by dd in the pods, to the microsecond, without what opening and closing took",
    "shell": "Calls are timed by the pods' shell, to the microsecond, with what it took to start dd",
}


MEANING: Final = (
    "Of a zone the median of its pods' calls, and the worst. Written: created, written, flushed (fsync) and closed, a "
    "small file being of 4 KiB; read: what another pod had written, opened, read and closed. Until mounted: until the "
    "container ran, so with its node and its image, in whole seconds."
)


@dataclass(frozen=True)
class Row:
    """`cells`: in the order of the zones."""

    title: str
    documented: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Speed:
    zones: tuple[str, ...]
    rows: tuple[Row, ...]
    clock: str
    meaning: str = MEANING


def speed(evidence: Mapping[str, Any]) -> Speed | None:
    """None for what is no evidence."""
    unsealed = {name: value for name, value in evidence.items() if name != "sha256"}
    try:
        return speed_of(proof_of(Evidence.model_validate(unsealed)))
    except ValidationError:
        return None


def speed_of(proof: Proof) -> Speed:
    zones = proof.zones
    rows = (
        Row(measure.title, measure.documented, tuple(_said(measure, zones[zone].get(measure.name)) for zone in zones))
        for measure in MEASURES
    )
    return Speed(tuple(zones), tuple(rows), _CLOCKS.get(proof.clock, str(proof.clock)))


def _said(measure: Measure, found: Spread | None) -> str:
    """ "8 ms, worst of 27: 12.5 ms"."""
    if found is None:
        return "not measured"
    median = f"{_number(found.median)} {measure.unit}"
    return median if found.count == 1 else f"{median}, worst of {found.count}: {_number(found.worst)} {measure.unit}"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.1f}" if value >= 1 else f"{value:.2f}"
