"""Small pictures of what came one after the other, drawn in the page itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from provisioner.kubernetes.measurements import MEASURES, Proof
from provisioner.report.state import Check

HEIGHT: Final = 24
_STEP: Final = 7
# What is not well stands out by its height too: not everybody sees the colours.
_HEIGHTS: Final = {"good": 8, "warn": 16, "bad": 24, "quiet": 4}


@dataclass(frozen=True)
class Bar:
    x: int
    y: int
    height: int
    tone: str


@dataclass(frozen=True)
class Trend:
    """One measure over the latest proofs, the median of the slowest zone of each; `points` is what an SVG draws."""

    title: str
    unit: str
    values: Sequence[float]
    points: str
    width: int


def bars(checks: Sequence[Check]) -> list[Bar]:
    return [
        Bar(place * _STEP, HEIGHT - _HEIGHTS[each.tone], _HEIGHTS[each.tone], each.tone)
        for place, each in enumerate(checks)
    ]


def width(count: int) -> int:
    return max(count * _STEP, 1)


def trends(proofs: Sequence[Proof]) -> list[Trend]:
    """Of every measure that the last proof has."""
    found = []
    for measure in MEASURES:
        per_proof = [
            [zone[measure.name].median for zone in proof.zones.values() if measure.name in zone] for proof in proofs
        ]
        values = [(min if measure.is_rate else max)(each) for each in per_proof if each]
        if per_proof and per_proof[-1]:
            found.append(Trend(measure.title, measure.unit, values, _points(values), width(len(values))))
    return found


def _points(values: Sequence[float]) -> str:
    """Higher is more; a single value, and what never changes, lies in the middle."""
    low, span = min(values), max(values) - min(values)
    shares = [(value - low) / span if span else 0.5 for value in values]
    return " ".join(
        f"{place * _STEP + 3},{HEIGHT - 3 - share * (HEIGHT - 6):.1f}" for place, share in enumerate(shares)
    )
