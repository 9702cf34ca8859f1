"""The app runs from what `sam build` made: what trimming took away is missed by nobody, late imports included."""

import json

import pytest

from local.faults import FAULTS
from tests.end_to_end.runs import Machine, Run
from tests.end_to_end.test_provision import published


@pytest.fixture(scope="module")
def good(machine: Machine) -> Run:
    return machine.run({})


def test_the_built_layers_are_all_that_a_good_run_needs(machine: Machine, good: Run) -> None:
    assert good.status == "SUCCEEDED", good.cause
    assert good.output["status"] == "Ready"
    page = machine.cloud.client("s3").get_object(**_object(good.output["report_url"]))["Body"].read().decode()
    assert good.output["request_id"] in page


def test_the_built_layers_are_all_that_a_check_for_drift_needs(machine: Machine, good: Run) -> None:
    checked = machine.client.start_execution(
        stateMachineArn=machine.outputs["ReverifyStateMachineArn"],
        input=json.dumps({"cluster_name": good.output["cluster"]["name"]}),
    )
    run = machine.wait(checked["executionArn"])
    assert run.status == "SUCCEEDED", run.cause
    assert published(machine.cloud, "Storage Cluster Verified", run.arn)


def test_the_built_layers_are_all_that_a_diagnosis_needs(machine: Machine) -> None:
    undo = FAULTS["security-group"].install(machine.cloud, "broken")
    run = machine.run({"cluster": {"name": "broken"}, "verification": {"writers": 2, "timeout_seconds": 60}})
    undo()
    assert run.status == "FAILED"
    (detail,) = published(machine.cloud, "Storage Cluster Failed", run.arn)
    assert detail["diagnosis"][0]["rule"] == "security-group-closed"
    assert machine.cloud.client("s3").get_object(**_object(detail["report_url"]))["ContentLength"] > 0


def test_a_wrong_request_is_refused_with_every_wrong_field(machine: Machine) -> None:
    run = machine.run({"region": "nowhere-1", "cluster": {"version": "new"}})
    assert (run.status, run.error) == ("FAILED", "RequestError")
    assert "region" in run.cause
    assert "cluster.version" in run.cause


def _object(url: str) -> dict[str, str]:
    bucket, key = url.removeprefix("s3://").split("/", 1)
    return {"Bucket": bucket, "Key": key}
