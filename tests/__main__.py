"""Every test, in parts that run beside each other: `python -m tests`, which is `make test`.

Each part is a process of its own: moto keeps its state in module globals, so there is one embedded AWS per process.
What a part prints is shown whole once it has ended. The exit code is 1 if any part failed.
"""

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

COUNTED = ("tests", "failures", "errors", "skipped")


@dataclass(frozen=True)
class Part:
    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    part: Part
    seconds: float
    exit_code: int
    output: str
    counts: Counter[str]


BROKEN = "(broken_code or diagnosis or fleet)"
CHANGED = "(drift or teardown or removing or obstacles or roll_back or left_behind or upgrades)"
END_TO_END = {
    "embedded, broken on purpose": f"embedded and {BROKEN}",
    "not embedded": "not embedded",
    "embedded": f"embedded and not {BROKEN} and not {CHANGED}",
    "embedded, changed and removed": f"embedded and not {BROKEN} and {CHANGED}",
}
"""What pytest selects by the names of files and parameters: each test, whatever it is called, in one part."""


def parts() -> list[Part]:
    """The longest first, so that none is left alone at the end."""
    end_to_end = [Part(f"tests/end_to_end {kind}", ("tests/end_to_end", "-k", by)) for kind, by in END_TO_END.items()]
    names = (
        *("campaign", "local", "unit", "clients", "kubernetes"),
        *("first_contact", "report", "command", "statemachine", "policies"),
    )
    others = [f"tests/{name}" for name in names]
    return [*end_to_end, *(Part(name, (name,)) for name in others)]


def run(part: Part) -> Result:
    print(f"started {part.name}\n", end="", flush=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        counted = Path(directory, "counts.xml")
        command = [sys.executable, "-m", "pytest", "-q", *part.arguments, f"--junitxml={counted}"]
        ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        return Result(part, time.monotonic() - started, ended.returncode, ended.stdout, _counts(counted))


def _counts(report: Path) -> Counter[str]:
    """How many tests there were, and how many did not pass; a part that broke off is one that did not."""
    if not report.exists():
        return Counter(tests=1, errors=1)
    suites = ElementTree.parse(report).iter("testsuite")  # noqa: S314 (pytest wrote it)
    return sum((Counter({name: int(suite.get(name, 0)) for name in COUNTED}) for suite in suites), Counter())


def main(selected: Sequence[str]) -> int:
    """Runs all parts, or those whose names start with one of the given ones."""
    print(f"Python {platform.python_version()}, also for the functions of the embedded Lambda")
    asked = [part for part in parts() if not selected or part.name.startswith(tuple(selected))]
    started = time.monotonic()
    total: Counter[str] = Counter()
    broken = []
    # One more than there are processors: all of them wait now and then, and tests/clients nearly all the time.
    with ThreadPoolExecutor((os.cpu_count() or 1) + 1) as slots:
        for ended in as_completed([slots.submit(run, part) for part in asked]):
            result = ended.result()
            print(f"\n{result.part.name}, {result.seconds:.0f} s\n{result.output}", flush=True)
            total += result.counts
            if result.exit_code:
                broken.append(result.part.name)
    failed = total["failures"] + total["errors"]
    passed = total["tests"] - failed - total["skipped"]
    if broken:
        print(f"Failed: {', '.join(broken)}")
    print(f"All parts took {time.monotonic() - started:.0f} s")
    print(f"{passed} passed, {failed} failed, {total['skipped']} skipped")
    return 1 if broken or not total["tests"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
