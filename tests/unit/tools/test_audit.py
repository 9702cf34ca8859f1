"""Locked versions are audited where somebody answers, and a finding fails."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tools import audit

KNOWN = {"name": "jinja2", "version": "2.10", "vulns": [{"id": "PYSEC-2019-217", "fix_versions": ["2.10.1"]}]}
GOOD = {"name": "pyyaml", "version": "6.0.3", "vulns": []}
BAD = {"name": "urllib3", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2.0", "2.1"]}]}
UNMENDED = {"name": "rich", "version": "1.0", "vulns": [{"id": "PYSEC-2", "fix_versions": []}]}
SKIPPED = {"name": "jinja2", "skip_reason": "Dependency not found on PyPI and could not be audited: jinja2 (2.10)"}


class Answers:
    """A pip-audit of which one knows what it answers for the known release, and for a lock."""

    def __init__(self, directory: Path, known: str, locked: str) -> None:
        self.program, self.lock = directory / "pip-audit", directory / "requirements.txt"
        self.lock.write_text("urllib3==1.0 --hash=sha256:00\n")
        texts = json.dumps({"known.txt": known, "requirements.txt": locked})
        self.program.write_text(
            f"#!{sys.executable}\nimport sys\nfor name, text in {texts}.items():\n"
            "    if any(argument.endswith(name) for argument in sys.argv):\n"
            "        print(text) if text.startswith('{') else print(text, file=sys.stderr)\n"
        )
        self.program.chmod(0o755)

    def audited(self) -> int:
        return audit.main(str(self.program), str(self.lock))


def of(*dependencies: Any) -> str:
    return json.dumps({"dependencies": dependencies, "fixes": []})


@pytest.mark.parametrize(
    ("known", "locked", "exit_code", "said"),
    [
        (of(KNOWN), of(GOOD), 0, "1 locked versions were audited: 0 findings."),
        (of(KNOWN), of(GOOD, BAD), 1, "urllib3 1.0 is vulnerable (PYSEC-1): lock 2.0 or 2.1\n"),
        (of(KNOWN), of(UNMENDED), 1, "rich 1.0 is vulnerable (PYSEC-2): no version mends it yet\n"),
        (of(KNOWN), of(GOOD, SKIPPED), 0, "Nothing is known of jinja2.\n1 locked versions"),
        (of(SKIPPED), of(BAD), 0, "not audited: what answers for PyPI here does not tell of vulnerabilities.\n"),
        ("WARNING: slow\nERROR: no route to host", of(BAD), 0, "not audited: ERROR: no route to host.\n"),
        ("", of(BAD), 0, "not audited: it said nothing.\n"),
        (of(KNOWN), "ERROR: 503", 0, "not audited: ERROR: 503.\n"),
    ],
)
def test_a_finding_fails_and_that_nobody_answers_is_said(
    known: str, locked: str, exit_code: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert Answers(tmp_path, known, locked).audited() == exit_code
    assert said in capsys.readouterr().out


def test_what_is_ignored_has_its_day_and_its_reason() -> None:
    assert all(len(why) > 20 and why[:2] == "20" for why in audit.IGNORED.values())
