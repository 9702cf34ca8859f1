"""`make demo-remove` as people run it: a process, its output and its exit code."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from local import demo_remove
from local.cloud import ROOT
from tests.local.test_demo import file_of

pytestmark = pytest.mark.timeout(1000)


def test_the_data_outlive_their_cluster_and_in_the_end_the_account_is_as_before(tmp_path: Path) -> None:
    request = {"cluster": {"name": "demo"}, "verification": {"writers": 1, "lines_per_writer": 1}}
    given = ["--request", str(file_of(tmp_path, request)), "--directory", str(tmp_path / "state")]
    ended = subprocess.run(
        [sys.executable, "-m", "local.demo_remove", *given], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    told = " ".join(ended.stdout.split())
    assert re.search(rf"a pod has written '{demo_remove.DATA}' into fs-\w+\.", told, re.IGNORECASE)
    assert f"pod of the new cluster reads '{demo_remove.DATA}'." in told
    assert told.endswith("As before: what the account's APIs list is what was there before the first run.")


@pytest.mark.parametrize(
    ("read", "changed", "complaint"),
    [
        ("", [], f"the new cluster reads '', written was {demo_remove.DATA!r}"),
        (demo_remove.DATA, ["+ ec2: VPCs vpc-1"], "+ ec2: VPCs vpc-1"),
    ],
)
def test_anything_that_is_not_as_it_should_be_is_told(
    read: str, changed: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not demo_remove.told(Console(highlight=False, width=200), read, changed)
    assert f"Not as it should be: {complaint}" in capsys.readouterr().out
