"""The file of outcomes: a line each, so that a campaign goes on where it stopped, and two may write at once."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

RESULTS: Final = Path(__file__).resolve().with_name("results.jsonl")


@dataclass(frozen=True, order=True)
class Combination:
    """What meets what: `subject` is a request ("EnsureCluster eks:CreateCluster") or a state."""

    machine: str
    subject: str
    fault: str
    times: str


@dataclass(frozen=True)
class Result:
    combination: Combination
    outcome: str
    why: str
    struck: int
    seconds: float


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
        """Machine -> all that can meet it, as it was last recorded."""
        return {
            line["recorded"]: [Combination(line["recorded"], *each) for each in line["combinations"]]
            for line in self._lines("recorded")
        }

    def add(self, result: Result) -> None:
        self._write([asdict(result)])

    def record(self, machine: str, combinations: Sequence[Combination]) -> None:
        told = [[each.subject, each.fault, each.times] for each in combinations]
        self._write([{"recorded": machine, "combinations": told}])

    def tidy(self) -> None:
        """Leaves what counts, in order."""
        recorded, results = self.recorded(), self.of()
        self._path.write_text("")
        for machine, combinations in sorted(recorded.items()):
            self.record(machine, sorted(combinations))
        self._write(asdict(results[each]) for each in sorted(results))

    def _lines(self, having: str) -> list[dict[str, Any]]:
        text = self._path.read_text() if self._path.exists() else ""
        lines = [json.loads(line) for line in text.splitlines()]
        return [line for line in lines if having in line]

    def _write(self, lines: Iterable[Mapping[str, Any]]) -> None:
        with self._path.open("a") as file:
            file.write("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines))
