"""The file of outcomes: a line each, so that a campaign goes on where it stopped, and two may write at once."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from campaign.faults import TIMES, Fault, applies
from campaign.requests import Request

EMBEDDED, REAL = "embedded", "real"
NAMES: Final = ("machine", "subject", "fault", "times")
"""Of a combination: by which it is chosen and told."""
RESULTS: Final = Path(__file__).resolve().with_name("results.jsonl")


@dataclass(frozen=True, order=True)
class Combination:
    """What meets what: `subject` is a request ("EnsureCluster eks:CreateCluster") or a state."""

    machine: str
    subject: str
    fault: str
    times: str
    kubernetes: str = EMBEDDED

    @property
    def row(self) -> tuple[str, str, str, str]:
        """Of the document's tables."""
        return self.kubernetes, self.machine, self.fault, self.times

    @property
    def on_a_real_control_plane(self) -> "Combination":
        return replace(self, kubernetes=REAL)


@dataclass(frozen=True)
class Result:
    combination: Combination
    outcome: str
    why: str
    struck: int
    seconds: float


def combinations(machine: str, requests: Iterable[str]) -> list[Combination]:
    return [
        Combination(machine, request, fault, times)
        for request in requests
        for fault in Fault
        for times in TIMES
        if applies(fault, Request.of(request), times)
    ]


class Results:
    def __init__(self, path: Path = RESULTS) -> None:
        self._path = path

    def of(self) -> dict[Combination, Result]:
        """The last one of each combination."""
        found = {}
        for line in self._lines("outcome"):
            combination = Combination(**line.pop("combination"))
            found[combination] = Result(combination, **line)
        return found

    def recorded(self) -> dict[str, list[Combination]]:
        """Machine -> all that can meet it: each fault that applies to a request of its last recorded run."""
        return {line["recorded"]: combinations(line["recorded"], line["requests"]) for line in self._lines("recorded")}

    def recorded_on(self, kubernetes: str) -> dict[str, list[Combination]]:
        """With a real control plane what is asked of it is of interest, and nothing else is different."""
        if kubernetes == EMBEDDED:
            return self.recorded()
        return {
            machine: [each.on_a_real_control_plane for each in found if " kubernetes:" in each.subject]
            for machine, found in self.recorded().items()
        }

    def possible(self) -> set[Combination]:
        recorded = [*self.recorded_on(EMBEDDED).values(), *self.recorded_on(REAL).values()]
        return {each for combinations in recorded for each in combinations}

    def add(self, result: Result) -> None:
        self._write([_line(result)])

    def record(self, machine: str, requests: Iterable[Request]) -> None:
        self._write([{"recorded": machine, "requests": sorted(map(str, requests))}])

    def tidy(self) -> None:
        """Leaves what counts, in order: not what befell a request that is not made any more."""
        recorded, results = {line["recorded"]: line for line in self._lines("recorded")}, self.of()
        possible = self.possible()
        self._path.write_text("")
        self._write(recorded[machine] for machine in sorted(recorded))
        self._write(_line(results[each]) for each in sorted(results) if each in possible)

    def _lines(self, having: str) -> list[dict[str, Any]]:
        text = self._path.read_text() if self._path.exists() else ""
        lines = [json.loads(line) for line in text.splitlines()]
        return [line for line in lines if having in line]

    def _write(self, lines: Iterable[Mapping[str, Any]]) -> None:
        with self._path.open("a") as file:
            file.write("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))


def _line(result: Result) -> dict[str, Any]:
    """Embedded control planes are not told: they are the usual ones."""
    line = asdict(result)
    if result.combination.kubernetes == EMBEDDED:
        del line["combination"]["kubernetes"]
    return line
