"""Whether a version that we have locked is known to be vulnerable: `python -m tools.audit PIP_AUDIT LOCK…`.

pip-audit asks PyPI for each release what the Python Packaging Advisory Database says of it. Exit code 1 when there is a
finding, 0 when there is none, and 0 with a sentence when nobody answers: a build does not depend on that service.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

# Known since 2019 (PYSEC-2019-217): who does not tell of it, such as a mirror of PyPI, tells of nothing.
KNOWN: Final = f"jinja2==2.10 --hash=sha256:{'0' * 64}\n"
IGNORED: Final[Mapping[str, str]] = {}
"""Id of a finding -> the day, and why it does not concern us."""
_LONGEST_SECONDS: Final = 300


class NoAnswerError(Exception):
    """Why nothing is known."""


def findings(dependencies: Iterable[Mapping[str, Any]]) -> list[str]:
    """One sentence for each vulnerability that pip-audit found: what to lock instead, or that there is nothing yet."""
    return [
        f"{each['name']} {each['version']} is vulnerable ({found['id']}): "
        + (f"lock {' or '.join(found['fix_versions'])}" if found["fix_versions"] else "no version mends it yet")
        for each in dependencies
        for found in each.get("vulns", ())
    ]


def asked(pip_audit: str, locks: Sequence[str]) -> list[Mapping[str, Any]]:
    """pip-audit's answer, package by package. Raises: NoAnswerError."""
    command = [pip_audit, "--disable-pip", "--require-hashes", "--progress-spinner=off", "--format=json"]
    command += [f"--requirement={lock}" for lock in locks] + [f"--ignore-vuln={name}" for name in IGNORED]
    try:
        ended = subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise NoAnswerError(f"it took more than {_LONGEST_SECONDS} s") from None
    try:
        found: list[Mapping[str, Any]] = json.loads(ended.stdout)["dependencies"]
    except ValueError:
        *_, last = ended.stderr.strip().splitlines() or ["it said nothing"]
        raise NoAnswerError(last) from None
    return found


def main(pip_audit: str, *locks: str) -> int:
    try:
        with tempfile.TemporaryDirectory() as directory:
            (known := Path(directory, "known.txt")).write_text(KNOWN)
            if not findings(asked(pip_audit, [str(known)])):
                raise NoAnswerError("what answers for PyPI here does not tell of vulnerabilities")
        dependencies = asked(pip_audit, locks)
    except NoAnswerError as why:
        print(f"Locked versions were not audited: {why}.")
        return 0
    found = findings(dependencies)
    unknown = [str(each["name"]) for each in dependencies if "skip_reason" in each]
    for line in found:
        print(line)
    if unknown:
        print(f"Nothing is known of {', '.join(unknown)}.")
    print(f"{len(dependencies) - len(unknown)} locked versions were audited: {len(found)} findings.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
