"""The app runs from what `sam build` made: what trimming took away is missed by nobody, late imports included."""

from local.faults import FAULTS
from tests.end_to_end.runs import Machine


def test_the_built_layers_are_all_that_a_good_run_needs(machine: Machine) -> None:
    run = machine.run({})
    assert run.status == "SUCCEEDED", run.cause
    assert run.output["status"] == "Ready"
    page = machine.cloud.client("s3").get_object(**_object(run.output["report_url"]))["Body"].read().decode()
    assert run.output["request_id"] in page


def test_the_built_layers_are_all_that_a_diagnosis_needs(machine: Machine) -> None:
    undo = FAULTS["security-group"].install(machine.cloud, "broken")
    run = machine.run({"cluster": {"name": "broken"}, "verification": {"writers": 2, "timeout_seconds": 60}})
    undo()
    assert run.status == "FAILED"
    (detail,) = [
        event["Detail"]
        for event in machine.cloud.server.published_events
        if event["Detail"]["execution_arn"] == run.arn
    ]
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
