"""`make demo` as people run it: a process, its output and its exit code."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from local.cloud import ROOT

pytestmark = pytest.mark.timeout(1000)
PATIENCE_SECONDS = 900
"""A demonstration is a dozen processes one after the other, and takes minutes where others want the processor too."""
EVIDENCE = json.loads((ROOT / "schemas" / "evidence.schema.json").read_text())


def demo(request: str | Path, directory: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """On a terminal that is none, so one line per change; 80 columns wide."""
    return subprocess.run(
        [sys.executable, "-m", "local.demo", "--request", str(request), "--directory", str(directory), *more],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def file_of(tmp_path: Path, request: Any) -> Path:
    file = tmp_path / "request.json"
    file.write_text(request if isinstance(request, str) else json.dumps(request))
    return file


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    tmp_path = tmp_path_factory.mktemp("demo")
    request = {"cluster": {"name": "demo"}, "verification": {"writers": 2, "lines_per_writer": 5}}
    return demo(file_of(tmp_path, request), tmp_path / "state")


def test_a_good_run_ends_with_the_path_of_evidence_that_is_what_the_schema_says(
    good: subprocess.CompletedProcess[str],
) -> None:
    assert (good.returncode, good.stderr) == (0, "")
    assert "Ready: the storage is proven." in good.stdout
    (path,) = re.findall(r"^Evidence: (\S+\.json)$", good.stdout, re.MULTILINE)
    evidence = json.loads((ROOT / path).read_text())
    Draft202012Validator(EVIDENCE).validate(evidence)
    assert len(evidence["writers"]) == 2
    assert all(file["sha256"][:20] in good.stdout for file in evidence["reader"]["files"])


def test_a_good_run_names_the_page_that_tells_it(good: subprocess.CompletedProcess[str]) -> None:
    (path,) = re.findall(r"^Report: (\S+\.html)$", good.stdout, re.MULTILINE)
    assert "Ready: the storage of demo is proven" in (ROOT / path).read_text()


def test_an_empty_fault_lists_what_can_be_broken_and_an_unknown_one_too(tmp_path: Path) -> None:
    for asked, code in (("", 0), ("gravity", 2)):
        ended = demo(file_of(tmp_path, {}), tmp_path / "state", "--fault", asked)
        assert (ended.returncode, ended.stderr) == (code, "")
        assert "FAULT=security-group" in ended.stdout
        assert not (tmp_path / "state").exists()


def test_a_good_run_tells_of_every_step_and_of_both_branches_at_once(good: subprocess.CompletedProcess[str]) -> None:
    done = re.findall(r"^done +(\S.*?)  ", good.stdout, re.MULTILINE)
    assert done[:4] == ["Validate request", "Claim cluster", "Check account", "Ensure network"]
    assert done.index("Ensure security group") < done.index("Ensure Fargate profile")
    assert done[-2:] == ["Publish completion", "Write pages"]
    assert re.search(r"^waiting +Ensure cluster .*creating; next look in \d+ s$", good.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(None, "No such file or directory"), ("{]", "neither YAML nor JSON: ")],
    ids=["missing", "neither YAML nor JSON"],
)
def test_a_request_file_that_cannot_be_used_is_told_in_one_line_before_anything_starts(
    tmp_path: Path, content: str | None, complaint: str
) -> None:
    file = tmp_path / "request.json" if content is None else file_of(tmp_path, content)
    ended = demo(file, tmp_path / "state")
    assert ended.returncode == 2
    assert ended.stdout == ""
    (message,) = ended.stderr.splitlines()
    assert message.startswith(f"{file} cannot be used: {complaint}")
    assert not (tmp_path / "state").exists()
