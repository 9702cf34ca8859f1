"""The function of state "Diagnose failure"."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from functions.diagnose_failure import app
from provisioner import handler
from provisioner.aws.session import Target
from provisioner.diagnosis import entry
from provisioner.errors import ErrorReason, RetryableError
from provisioner.kubernetes.proof import run_id_of
from tests.unit.diagnosis.conftest import world as world
from tests.unit.diagnosis.messages import SIGNALS, failed
from tests.unit.diagnosis.world import CIDRS, RUN, World
from tests.unit.functions.conftest import Context
from tests.unit.resources.samples import request_for

ARN = "arn:aws:states:eu-west-1:123456789012:execution:provision:one"
SCHEMA = Path(__file__).parents[3] / "schemas/storage-cluster-failed.schema.json"
MESSAGE = SIGNALS["timed out"][0].text


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[None]:
    # Powertools keeps one logger per service name, and with it the standard output of the test that made it.
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", request.node.name)
    monkeypatch.setenv("POWERTOOLS_TRACE_DISABLED", "true")
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", "INFO")
    monkeypatch.setenv("FUNCTIONS_ACCOUNT_ID", "123456789012")
    monkeypatch.setenv("FUNCTIONS_SUBNET_IDS", "")
    monkeypatch.setenv("FUNCTIONS_SECURITY_GROUP_IDS", "")
    handler.logger.cache_clear()
    yield
    handler.logger.cache_clear()


def connect(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    """The world where the handler would reach AWS and the cluster."""
    monkeypatch.setattr(Target, "of", lambda _request: world.live().connection.target)
    monkeypatch.setattr(app, "kubernetes_api", lambda _target, _name: world.api)


def event(request: dict[str, Any], **changes: Any) -> dict[str, Any]:
    cause = f"VerificationFailed: still WritersStarting after 900 s: Pod one is Pending (FailedMount: {MESSAGE}); see"
    failure = failed("Verify storage", cause).model_dump()
    return {"execution_arn": ARN, "request": request, "failure": failure, "network": None, "built": None, **changes}


def test_the_diagnosis_is_the_one_of_the_failed_event(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    connect(monkeypatch, world)
    world.refuse(CIDRS[0])
    answer = json.loads(json.dumps(app.lambda_handler(event(world.request.model_dump(mode="json")), Context("x"))))
    assert answer["diagnosis"][0]["rule"] == "security-group-closed"
    assert answer["diagnosis"][0]["verdict"] == "proved"
    schema = json.loads(SCHEMA.read_text())["properties"]["diagnosis"]
    jsonschema.validate(answer["diagnosis"], schema, jsonschema.Draft202012Validator)


def test_the_run_is_the_execution_of_the_payload(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    connect(monkeypatch, world)
    world.warn("FailedMount", "something new")
    arn_of_that_run = event(world.request.model_dump(mode="json"))
    monkeypatch.setattr("provisioner.diagnosis.entry.run_id_of", {ARN: RUN}.get)
    symptoms = [each["symptom"] for each in app.lambda_handler(arn_of_that_run, Context("x"))["diagnosis"]]
    assert "something new" in symptoms


def test_a_refused_request_has_no_diagnosis() -> None:
    failure = failed("Validate request", "InvalidRequest: …", "RequestError").model_dump()
    assert app.lambda_handler(event({}, failure=failure), Context("x")) == {"diagnosis": []}


def test_a_target_that_cannot_be_reached_is_a_cause_and_no_error(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    def refuse(_request: Any) -> Target:
        raise RetryableError(ErrorReason.ROLE_NOT_ASSUMABLE, "arn:aws:iam::1:role/p", remedy="deploy it")

    monkeypatch.setattr(Target, "of", refuse)
    failure = failed(
        "Ensure network", "RoleNotAssumable: arn:aws:iam::1:role/p; deploy it", "RetryableError"
    ).model_dump()
    request = world.request.model_dump(mode="json")
    answer = app.lambda_handler(event(request, failure=failure), Context("x"))
    assert [(each["rule"], each["verdict"]) for each in answer["diagnosis"]] == [("role-not-assumable", "proved")]


def test_the_log_names_rules_verdicts_and_fixes(
    monkeypatch: pytest.MonkeyPatch, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    connect(monkeypatch, world)
    world.refuse(CIDRS[0])
    app.lambda_handler(event(world.request.model_dump(mode="json")), Context("x"))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "failure_diagnosed" in line]
    assert lines[0]["diagnosis"][0]["rule"] == "security-group-closed"
    assert world.group_id in lines[0]["diagnosis"][0]["fix"]
    assert lines[0]["execution_arn"] == ARN


TEAMS = [{"name": f"efs-{team}", "claim": team} for team in ("red", "blue", "green")]


def test_of_several_volumes_those_are_looked_at_that_the_failure_names_and_each_cause_is_told_once(
    monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    connect(monkeypatch, world)
    world.refuse(CIDRS[0])
    request = request_for(storage={"volumes": TEAMS}).model_dump(mode="json")
    stuck = "still WritersStarting after 900 s: Pod one is Pending (FailedMount: {message})"
    for named in (["efs-blue", "efs-green"], ["efs-green"], []):
        cause = "; ".join(f"volume {each}: {stuck.format(message=MESSAGE)}" for each in named) or stuck
        failure = failed("Verify storage", f"VerificationFailed: {cause}; see").model_dump()
        worlds = entry.lives(event(request, failure=failure), Target.of, lambda *_: world.api)  # type: ignore[arg-type]
        assert [each.request.storage.persistent_volume for each in worlds] == (named or ["efs-red"])
        causes = app.lambda_handler(event(request, failure=failure), Context("x"))["diagnosis"]
        assert [each["rule"] for each in causes if each["verdict"] == "proved"].count("security-group-closed") == 1


def test_the_pods_of_one_volume_are_not_taken_for_anothers(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    connect(monkeypatch, world)
    request = request_for(storage={"volumes": TEAMS})
    run_id = run_id_of(ARN)
    for number in (1, 2):
        world.warn("FailedMount", f"of volume {number}", about=f"verification-{run_id}-{number}-writer-x")
    failure = failed("Verify storage", f"VerificationFailed: Pod verification-{run_id}-2-writer-x failed: no; see")
    causes = app.lambda_handler(event(request.model_dump(mode="json"), failure=failure.model_dump()), Context("x"))[
        "diagnosis"
    ]
    assert "of volume 2" in [each["symptom"] for each in causes]
    assert "of volume 1" not in [each["symptom"] for each in causes]
