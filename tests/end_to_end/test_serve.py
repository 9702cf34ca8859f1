"""`make serve`: the unmodified `aws` CLI works with it, and nothing is left of it, however it ends."""

import json
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end.commands import (
    COMMAND_SECONDS,
    CONTROL_PLANE,
    LAMBDA_FUNCTION,
    ROOT,
    Serve,
    options,
    running,
    serve_command,
    start_serve,
    still_running,
    until,
)
from tests.end_to_end.conftest import KINDS


def test_aws_starts_an_execution_and_reads_its_history(served: Serve) -> None:
    machine = served.environment["PROVISION_STATE_MACHINE_ARN"]
    listed = served.aws("stepfunctions", "list-executions", "--state-machine-arn", machine)["executions"]
    assert [execution["status"] for execution in listed] == ["SUCCEEDED"]
    arn = listed[0]["executionArn"]
    history = served.aws("stepfunctions", "get-execution-history", "--execution-arn", arn)["events"]
    assert history[0]["type"] == "ExecutionStarted"
    assert history[-1]["type"] == "ExecutionSucceeded"
    entered = {event["stateEnteredEventDetails"]["name"] for event in history if "stateEnteredEventDetails" in event}
    assert {"Ensure cluster", "Ensure mount targets", "Verify storage"} <= entered


def test_aws_sees_what_was_made(served: Serve) -> None:
    assert served.aws("eks", "describe-cluster", "--name", "eks-example")["cluster"]["status"] == "ACTIVE"
    (file_system,) = served.aws("efs", "describe-file-systems")["FileSystems"]
    targets = served.aws("efs", "describe-mount-targets", "--file-system-id", file_system["FileSystemId"])
    assert {target["LifeCycleState"] for target in targets["MountTargets"]} == {"available"}


def test_aws_cannot_put_an_event_that_is_awss_own(served: Serve) -> None:
    entry = {"Source": "aws.controltower", "DetailType": "AWS Service Event via CloudTrail", "Detail": "{}"}
    answer = served.aws("events", "put-events", "--entries", json.dumps([entry]))
    assert (answer["FailedEntryCount"], answer["Entries"][0]["ErrorCode"]) == (1, "NotAuthorizedForSourceException")


def test_serve_env_is_for_its_owner_only_and_forgets_other_accounts_credentials(served: Serve) -> None:
    assert stat.S_IMODE(served.env_file.stat().st_mode) == 0o600
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN"} & served.environment.keys()


def test_a_second_serve_says_that_the_port_is_taken_and_leaves_the_first_alone(served: Serve) -> None:
    before = served.env_file.read_text()
    second = subprocess.run(
        serve_command(served.options), cwd=ROOT, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
    )
    port = served.options[served.options.index("--aws-port") + 1]
    assert second.returncode == 1
    assert second.stdout.splitlines() == [
        f"Port {port} of 127.0.0.1 is taken: stop what listens there (another `make serve`?) first."
    ]
    assert second.stderr == ""
    assert served.env_file.read_text() == before
    assert served.aws("eks", "list-clusters")["clusters"] == ["eks-example"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupt_in_the_middle_of_a_run_ends_well_and_leaves_nothing(tmp_path: Path, kind: str) -> None:
    serve = start_serve(options(kind, tmp_path), tmp_path)
    try:
        serve.start_provisioning()
        processes = until(lambda: running(serve, [LAMBDA_FUNCTION, *CONTROL_PLANE[kind]]), "a cluster to be made")
        exit_code = serve.end(signal.SIGINT)
    finally:
        serve.process.kill()
    assert exit_code == 0
    # What was killed in the middle of something takes a moment to end.
    until(lambda: not still_running(processes), "every process to end")
    assert not serve.env_file.exists()
    assert "Traceback" not in (tmp_path / "serve.log").read_text()
