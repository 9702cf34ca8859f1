"""`make demo-drift` as people run it: a process, its output and its exit code."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from local import demo_drift
from local.cloud import ROOT
from tests.local.test_demo import PATIENCE_SECONDS, file_of

pytestmark = pytest.mark.timeout(1000)

FOUND = {("security group sg-1", "ingress.2049/tcp.10.0.0.0/19"), ("mount target in apne1-az1", "exists")}


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    tmp_path = tmp_path_factory.mktemp("demo")
    request = {"cluster": {"name": "demo"}, "verification": {"writers": 2, "lines_per_writer": 5}}
    file, directory = file_of(tmp_path, request), tmp_path / "state"
    return subprocess.run(
        [sys.executable, "-m", "local.demo_drift", "--request", file, "--directory", directory],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def section(output: str, heading: str) -> str:
    """What follows the heading, up to the next one."""
    return re.split(r"^(.+?) ─+$", output, flags=re.MULTILINE)[1:][2 * headings(output).index(heading) + 1]


def headings(output: str) -> list[str]:
    return re.findall(r"^(.+?) ─+$", output, re.MULTILINE)


def test_what_was_broken_is_found_repaired_and_proven_again(ended: subprocess.CompletedProcess[str]) -> None:
    assert (ended.returncode, ended.stderr) == (0, "")
    _, broken, found, repaired, _ = headings(ended.stdout)
    assert section(ended.stdout, broken).count("✗") == len(demo_drift.BROKEN) == 3
    assert "Drifted: 3 differences. Nothing was touched." in section(ended.stdout, found)
    assert "Repaired: 3 differences, by a provisioning run." in section(ended.stdout, repaired)
    assert "Verified: no difference, and a fresh pod read what 2 pods wrote." in ended.stdout
    assert "Not as it should be" not in ended.stdout


def test_each_difference_is_shown_where_it_is_with_what_to_do(ended: subprocess.CompletedProcess[str]) -> None:
    table = section(ended.stdout, headings(ended.stdout)[2])
    for where in (r"security group sg-\w+", r"ingress\.2049/tcp\.192\.168\.\d+\.0/19", "mount target in apne1-az1"):
        assert re.search(where, table)
    assert "CSIDriver efs.csi.aws.com" in table
    assert table.count(" a run ") == 3


def test_every_run_is_shown_as_it_goes(ended: subprocess.CompletedProcess[str]) -> None:
    done = re.findall(r"^done +(\S.*?)  ", ended.stdout, re.MULTILINE)
    assert done.count("Record check") == 3
    assert done.count("Remediate drift") == 1
    assert done[-1] == "Publish verified"


@pytest.mark.parametrize(
    ("found", "repaired", "is_proven", "complaint"),
    [
        (FOUND - {("mount target in apne1-az1", "exists")}, FOUND, True, "not found: mount target in apne1-az1 exists"),
        (FOUND | {("cluster demo", "logging")}, FOUND, True, "found, and nobody broke it: cluster demo logging"),
        (FOUND, set(), True, "not repaired: security group sg-1 ingress.2049/tcp.10.0.0.0/19"),
        (FOUND, FOUND, False, "the storage is not proven to work again"),
    ],
)
def test_anything_that_is_not_as_it_should_be_is_told(
    found: set[demo_drift.Place],
    repaired: set[demo_drift.Place],
    is_proven: bool,
    complaint: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def differences(places: set[demo_drift.Place]) -> demo_drift.Differences:
        return [{"resource": resource, "path": path} for resource, path in places]

    assert not demo_drift.told(
        Console(highlight=False), FOUND, differences(found), differences(repaired), is_proven=is_proven
    )
    assert f"Not as it should be: {complaint}" in capsys.readouterr().out


def test_a_request_that_is_refused_ends_the_demonstration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = tmp_path / "request.json"
    assert demo_drift.main(["--request", str(missing), "--directory", str(tmp_path / "state")]) == 2
    assert "cannot be used: No such file or directory" in capsys.readouterr().err
