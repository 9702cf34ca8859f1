"""The file of outcomes: a line each, so that a campaign goes on where it stopped, and two may write at once."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from campaign.faults import TIMES, Fault, applies
from campaign.requests import Request

RESULTS: Final = Path(__file__).resolve().with_name("results.jsonl")


@dataclass(frozen=True, order=True)
class Combination:
    """What meets what: `subject` is a request ("EnsureCluster eks:CreateCluster") or a state."""

    machine: str
    subject: str
    fault: str
    times: str

    @property
    def row(self) -> tuple[str, str, str]:
        """Of the document's tables."""
        return self.machine, self.fault, self.times


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

    def add(self, result: Result) -> None:
        self._write([asdict(result)])

    def record(self, machine: str, requests: Iterable[Request]) -> None:
        self._write([{"recorded": machine, "requests": sorted(map(str, requests))}])

    def tidy(self) -> None:
        """Leaves what counts, in order: not what befell a request that is not made any more."""
        recorded, results = {line["recorded"]: line for line in self._lines("recorded")}, self.of()
        possible = {each for combinations in self.recorded().values() for each in combinations}
        self._path.write_text("")
        self._write(recorded[machine] for machine in sorted(recorded))
        self._write(asdict(results[each]) for each in sorted(results) if each in possible)

    def _lines(self, having: str) -> list[dict[str, Any]]:
        text = self._path.read_text() if self._path.exists() else ""
        lines = [json.loads(line) for line in text.splitlines()]
        return [line for line in lines if having in line]

    def _write(self, lines: Iterable[Mapping[str, Any]]) -> None:
        with self._path.open("a") as file:
            file.write("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
