"""The timeline: a row per state with its work and waits, what it started after, and which branch it ran in."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from provisioner.report.history import History, Lane, Visit

_MOST_TICKS: Final = 7
_NARROWEST_PERCENT: Final = 0.4
_NICE_SECONDS: Final = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)

Outcome = Literal["done", "failed", "stopped"]


@dataclass(frozen=True)
class Segment:
    """A stretch of work or of waiting; places in percent of the run."""

    kind: Literal["work", "wait"]
    start_percent: float
    width_percent: float


@dataclass(frozen=True)
class Row:
    """`branch`: "A", "B", … inside a Parallel state, which is a group: a row of its own, before its branches."""

    name: str
    branch: str
    is_group: bool
    outcome: Outcome
    error: str
    start_seconds: float
    working_seconds: float
    waiting_seconds: float
    looks: int
    retries: int
    after: tuple[str, ...]
    segments: tuple[Segment, ...]


@dataclass(frozen=True)
class Tick:
    percent: float
    seconds: float


@dataclass(frozen=True)
class Timeline:
    seconds: float
    rows: tuple[Row, ...]
    ticks: tuple[Tick, ...]


def timeline(history: History, *, without: str = "", failed_state: str = "") -> Timeline:
    """Choices, Passes and ends take no time and are left out; so is `without`, the state that draws this page."""
    kept = [visit for visit in history.visits if visit.name != without]
    end = max((history.end_of(visit) for visit in kept), default=history.started)
    span = max((end - history.started).total_seconds(), 0.001)
    after = _predecessors(history)
    rows = []
    for (lane, name), visits in _rows_of(history):
        if name != without:
            rows.append(_row(history, lane, visits, after[lane, name], span, failed_state))
    return Timeline(span, tuple(rows), tuple(_ticks(span)))


_Key = tuple[Lane, str]


def _rows_of(history: History) -> list[tuple[_Key, list[Visit]]]:
    """Visits by the state they belong to; a Wait belongs to the Task before it: that is what is waited for.

    In the order of their beginning, but a branch as a whole, right below its Parallel.
    """
    rows: dict[_Key, list[Visit]] = defaultdict(list)
    places: dict[_Key, tuple[int, ...]] = {}
    latest: dict[Lane, _Key] = {}
    for index, visit in enumerate(history.visits):
        key = visit.lane, visit.name
        if visit.kind == "Wait":
            key = latest.get(visit.lane, key)
        elif visit.kind in ("Task", "Parallel"):
            latest[visit.lane] = key
        else:
            continue
        rows[key].append(visit)
        places.setdefault(key, (*(number for pair in visit.lane for number in pair), index))
    return sorted(rows.items(), key=lambda item: places[item[0]])


def _predecessors(history: History) -> dict[_Key, tuple[str, ...]]:
    """Which Tasks had to end before a state could begin; after a Parallel, the last ones of all its branches."""
    last: dict[Lane, tuple[str, ...]] = defaultdict(tuple)
    found: dict[_Key, tuple[str, ...]] = {}
    for visit in history.visits:
        if visit.kind not in ("Task", "Parallel"):
            continue
        lane = visit.lane
        if lane and lane not in last:
            last[lane] = last[lane[:-1]]
        if (lane, visit.name) not in found:
            found[lane, visit.name] = _last_of_branches(last, lane) or last[lane]
        if visit.kind == "Task":
            last[lane] = (visit.name,)
            _forget_branches(last, lane)
    return found


def _last_of_branches(last: dict[Lane, tuple[str, ...]], lane: Lane) -> tuple[str, ...]:
    inner = sorted(each for each in last if len(each) > len(lane) and each[: len(lane)] == lane)
    return tuple(dict.fromkeys(name for each in inner for name in last[each]))


def _forget_branches(last: dict[Lane, tuple[str, ...]], lane: Lane) -> None:
    for each in [each for each in last if len(each) > len(lane) and each[: len(lane)] == lane]:
        del last[each]


def _row(
    history: History, lane: Lane, visits: list[Visit], after: tuple[str, ...], span: float, failed_state: str
) -> Row:
    first = visits[0]
    looks = [visit for visit in visits if visit.kind != "Wait"]
    seconds = {"work": 0.0, "wait": 0.0}
    segments = []
    for visit in visits:
        kind: Literal["work", "wait"] = "wait" if visit.kind == "Wait" else "work"
        start = (visit.entered - history.started).total_seconds()
        length = max((history.end_of(visit) - visit.entered).total_seconds(), 0.0)
        seconds[kind] += length
        segments.append(Segment(kind, round(100 * start / span, 3), round(100 * length / span, 3)))
    outcome: Outcome = "done"
    if first.name == failed_state or looks[-1].error:
        outcome = "failed"
    elif any(visit.exited is None for visit in visits):
        outcome = "stopped"
    return Row(
        name=first.name,
        branch="ABCDEFGHIJ"[lane[-1][1] % 10] if lane else "",
        is_group=first.kind == "Parallel",
        outcome=outcome,
        error=looks[-1].error or "",
        start_seconds=(first.entered - history.started).total_seconds(),
        working_seconds=seconds["work"],
        waiting_seconds=seconds["wait"],
        looks=len(looks),
        retries=sum(max(visit.attempts - 1, 0) for visit in looks),
        after=after,
        segments=tuple(_visible(segments)),
    )


def _visible(segments: list[Segment]) -> list[Segment]:
    """Hundreds of short looks between waits would be a smear: what is too narrow joins what it follows."""
    merged: list[Segment] = []
    for segment in segments:
        last = merged[-1] if merged else None
        if last and segment.width_percent < _NARROWEST_PERCENT:
            end = segment.start_percent + segment.width_percent
            merged[-1] = replace(last, width_percent=round(end - last.start_percent, 3))
        else:
            merged.append(segment)
    return merged


def _ticks(span: float) -> Iterator[Tick]:
    step = next((nice for nice in _NICE_SECONDS if span / nice <= _MOST_TICKS), _NICE_SECONDS[-1])
    for number in range(int(span // step) + 1):
        yield Tick(round(100 * number * step / span, 3), number * step)
