"""An execution that somebody else has started and that failed, as it is watched afterwards."""

import json
from collections.abc import Mapping

import pytest

from local.cloud import EmbeddedCloud
from tests.command.conftest import Command


@pytest.fixture(scope="module")
def failed(cloud: EmbeddedCloud, outputs: Mapping[str, str], command: Command) -> str:
    """Its name."""
    started = cloud.client("stepfunctions").start_execution(
        stateMachineArn=outputs["ProvisionStateMachineArn"],
        input=json.dumps({"region": "nowhere-1", "cluster": {"name": "failed"}}),
    )
    return str(started["executionArn"].rsplit(":", 1)[-1])


def test_it_is_told_with_the_state_its_error_and_what_is_allowed(failed: str, command: Command) -> None:
    watched = command(f"eks-efs watch {failed}")
    assert (watched.code, watched.stderr) == (1, "")
    assert "Failed in the state Validate request: RequestError" in watched.stdout
    assert "region is 'nowhere-1'; allowed: " in watched.stdout
    assert "Evidence:" not in watched.stdout


def test_programs_get_the_event_that_it_published(failed: str, command: Command) -> None:
    watched = command(f"eks-efs watch {failed} --json")
    assert (watched.code, watched.stderr) == (1, "")
    told = json.loads(watched.stdout)
    assert (told["status"], told["output"]) == ("FAILED", None)
    assert told["failure"]["failure"]["state"] == "Validate request"
    assert told["execution_arn"].endswith(failed)
