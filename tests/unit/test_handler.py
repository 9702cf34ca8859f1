"""The decorator: logs, metrics and the error boundary."""

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    FlexibleChecksumError,
    ProxyConnectionError,
    SSLError,
)

from provisioner import handler
from provisioner.errors import BoundaryError, ErrorReason, RequestError, RetryableError, TerminalError, UnsettledError
from provisioner.handler import Handler, function_handler, logger
from provisioner.request import Request

EXECUTION = "arn:aws:states:us-east-1:111122223333:execution:provision:run-1"
EVENT = {"execution_arn": EXECUTION, "request": {"cluster": {"name": "eks-example"}, "secret": "PAYLOAD"}}


class Context(LambdaContext):
    def __init__(self) -> None:
        self._aws_request_id = "request-1"
        self._function_name = "ensure_x"
        self._invoked_function_arn = "arn:aws:lambda:us-east-1:111122223333:function:ensure_x"


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[None]:
    # Powertools keeps one logger per service name, and with it the standard output of the test that made it.
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", request.node.name)
    monkeypatch.setenv("POWERTOOLS_TRACE_DISABLED", "true")
    for made in (handler.logger, handler._tracer, handler._metrics):
        made.cache_clear()
    yield
    for made in (handler.logger, handler._tracer, handler._metrics):
        made.cache_clear()


def entry(act: Any) -> Handler:
    @function_handler
    def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        result: dict[str, Any] = act(event)
        return result

    return lambda_handler


def raising(error: Exception) -> Handler:
    def act(_: Any) -> None:
        raise error

    return entry(act)


def lines(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def metric(output: str) -> str:
    emitted = next(line for line in lines(output) if "_aws" in line)
    assert emitted["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "eks-efs-provisioner"
    return str(emitted["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"])


def test_what_the_function_returns_is_the_payload(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry(lambda _: {"ready": True})(EVENT, Context()) == {"ready": True}
    assert metric(capsys.readouterr().out) == "Succeeded"


def test_every_line_of_the_log_names_execution_and_cluster(capsys: pytest.CaptureFixture[str]) -> None:
    def act(_: Any) -> dict[str, Any]:
        logger().info("file_system_created", file_system_id="fs-1")
        return {}

    entry(act)(EVENT, Context())
    line = next(line for line in lines(capsys.readouterr().out) if line.get("message") == "file_system_created")
    assert line["execution_arn"] == EXECUTION
    assert line["cluster"] == "eks-example"
    assert line["file_system_id"] == "fs-1"


FORGED = '\n{"_aws":{"CloudWatchMetrics":[]},"level":"INFO","message":"all_is_well"}\r\n\x1b[2J\x9b31m\u2028\u202e\x00'


@pytest.mark.parametrize("said", [FORGED, FORGED + "🦀" * 1_000_000, "\x9b" * 1_000_000])
@pytest.mark.parametrize("kind", [ValueError, partial(TerminalError, ErrorReason.CONFLICT, remedy="x")])
def test_whatever_an_exception_or_a_name_says_is_one_record_of_printable_text_that_cloudwatch_keeps_whole(
    said: str, kind: Callable[[str], Exception], capsys: pytest.CaptureFixture[str]
) -> None:
    event = {"execution_arn": said, "request": {"cluster": {"name": said}}}
    with pytest.raises(TerminalError):
        raising(kind(said))(event, Context())
    output = capsys.readouterr().out
    records = output.removesuffix("\n").split("\n")
    assert len(records) == 2  # what failed, and the metric
    assert [c for each in records for c in each if not c.isprintable()] == []
    assert all(len(each.encode()) < 256 * 1024 for each in records)
    assert [line.get("message") for line in lines(output)] == [
        "unexpected_error" if kind is ValueError else "function_failed",
        None,
    ]
    assert metric(output) == "TerminalError"


def test_keys_of_one_run_do_not_reach_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    def act(_: Any) -> dict[str, Any]:
        logger().info("seen")
        return {}

    entry(act)(EVENT, Context())
    capsys.readouterr()
    entry(act)({"execution_arn": "another", "input": {}}, Context())
    line = next(line for line in lines(capsys.readouterr().out) if line.get("message") == "seen")
    assert line["execution_arn"] == "another"
    assert line.get("cluster") is None


@pytest.mark.parametrize("kind", [RequestError, RetryableError, TerminalError])
def test_a_boundary_error_passes_and_is_logged_and_counted(
    kind: type[BoundaryError], capsys: pytest.CaptureFixture[str]
) -> None:
    error = kind(ErrorReason.CONFLICT, "fs-1", remedy="wait")
    with pytest.raises(kind) as caught:
        raising(error)(EVENT, Context())
    assert caught.value is error
    output = capsys.readouterr().out
    assert metric(output) == kind.__name__
    line = next(line for line in lines(output) if line.get("message") == "function_failed")
    assert (line["error_type"], line["error_reason"]) == (kind.__name__, "Conflict")


@pytest.mark.parametrize(
    "said", ["x" * 10_000_000, "\x1b[2J" * 100_000, "🦀" * 100_000, '"\\' * 100_000, "\n" * 100_000]
)
def test_whatever_others_say_a_cause_fits_a_state_and_moves_no_cursor(said: str) -> None:
    error = TerminalError(ErrorReason.VERIFICATION_FAILED, said, remedy="look at the pods")
    cause = json.dumps({"errorMessage": str(error), "errorType": "TerminalError", "stackTrace": []}, ensure_ascii=False)
    assert len(cause.encode()) < 32_768
    assert len(str(error)) < 8_000
    assert "\x1b" not in str(error)
    assert str(error).endswith("; look at the pods")


def test_lines_of_a_cause_stay_lines_and_what_hides_text_is_seen() -> None:
    subject = TerminalError(ErrorReason.REJECTED, "a\nb\r\u202ec é", remedy="").subject
    assert subject == "a\nb\\r\\u202ec é"


def test_an_aws_error_becomes_a_boundary_error() -> None:
    error = ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow"}}, "DescribeCluster")
    with pytest.raises(RetryableError, match="Throttled: DescribeCluster: ThrottlingException"):
        raising(error)(EVENT, Context())


@pytest.mark.parametrize(
    ("code", "operation", "kind"),
    [
        ("FileSystemNotFound", "DescribeMountTargets", UnsettledError),
        ("InvalidNetworkInterfaceID.NotFound", "DescribeNetworkInterfaces", UnsettledError),
        ("ResourceNotFoundException", "ListNodegroups", UnsettledError),
        ("NoSuchEntity", "GetRole", UnsettledError),
        ("FileSystemNotFound", "CreateMountTarget", TerminalError),
        ("ValidationException", "DescribeMountTargets", TerminalError),
    ],
)
def test_what_goes_between_two_looks_is_looked_for_again(code: str, operation: str, kind: type[BoundaryError]) -> None:
    with pytest.raises(kind, match=f"{operation}: {code}"):
        raising(ClientError({"Error": {"Code": code, "Message": "gone"}}, operation))(EVENT, Context())


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="https://x"),
        ConnectTimeoutError(endpoint_url="https://x"),
        ConnectionResetError("reset"),
        FlexibleChecksumError(error_msg="expected one, got half of it"),
    ],
)
def test_an_unreachable_endpoint_is_worth_another_try(error: Exception) -> None:
    with pytest.raises(RetryableError) as caught:
        raising(error)(EVENT, Context())
    assert caught.value.reason is ErrorReason.SERVICE_UNAVAILABLE


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (EndpointConnectionError(endpoint_url="https://eks.eu-west-1.amazonaws.com/x?y=secret"), "EndpointConnection"),
        (ProxyConnectionError(proxy_url="http://user:secret@proxy.example:3128"), "ProxyConnectionError at proxy.ex"),
        (
            SSLError(endpoint_url="https://eks.eu-west-1.amazonaws.com/", error=ssl.SSLEOFError()),
            "SSLError at eks.eu-west-1",
        ),
    ],
)
def test_who_could_not_be_reached_is_named_by_the_host_alone(error: Exception, named: str) -> None:
    with pytest.raises(RetryableError, match=named) as caught:
        raising(error)(EVENT, Context())
    assert "secret" not in str(caught.value)


def test_an_endpoint_of_aws_that_tls_does_not_trust_ends_the_run() -> None:
    refused = ssl.SSLCertVerificationError(1, "no")
    refused.verify_code, refused.verify_message = 10, "certificate has expired"

    def act(_: Any) -> None:
        raise SSLError(endpoint_url="https://eks.eu-west-1.amazonaws.com/clusters", error=refused) from refused

    with pytest.raises(TerminalError) as caught:
        entry(act)(EVENT, Context())
    assert caught.value.reason is ErrorReason.UNTRUSTED_ENDPOINT
    assert "at eks.eu-west-1.amazonaws.com is not trusted: certificate has expired" in caught.value.subject


def test_a_payload_that_is_no_request_is_a_request_error() -> None:
    with pytest.raises(RequestError, match="account_id is missing"):
        entry(lambda event: Request.model_validate(event["request"]))(EVENT, Context())


def test_an_unexpected_error_shows_its_type_outside_and_its_traceback_in_the_log(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(TerminalError) as caught:
        raising(KeyError("inner detail"))(EVENT, Context())
    assert str(caught.value) == "Unexpected: KeyError; read the function's log for this execution"
    assert caught.value.__cause__ is None
    output = capsys.readouterr().out
    assert metric(output) == "TerminalError"
    line = next(line for line in lines(output) if line.get("message") == "unexpected_error")
    assert "inner detail" in line["exception"]
    assert line["execution_arn"] == EXECUTION


def test_the_payload_is_never_logged(capsys: pytest.CaptureFixture[str]) -> None:
    entry(lambda _: {"result": "RESULT"})(EVENT, Context())
    with pytest.raises(TerminalError):
        raising(ValueError("x"))(EVENT, Context())
    output = capsys.readouterr()
    assert "PAYLOAD" not in output.out + output.err
    assert "RESULT" not in output.out + output.err


@pytest.mark.parametrize("event", [{}, {"request": None}, {"request": {"cluster": []}}, {"input": "x"}])
def test_any_payload_gets_as_far_as_the_function(event: dict[str, Any]) -> None:
    assert entry(lambda _: {"ok": True})(event, Context()) == {"ok": True}


def test_importing_the_package_reads_no_environment() -> None:
    """Not one variable of ours: a spy in place of os.environ, in a process of its own."""
    root = Path(__file__).parents[2]
    program = """
import os
ours = ("POWERTOOLS", "ROLE_PREFIX", "EXTERNAL_ID", "CLAIMS_TABLE", "DEFAULTS_PARAMETER", "AWS_REGION", "AWS_LAMBDA")
import aws_lambda_powertools, boto3, pydantic, botocore.session  # theirs is their business
read = []
class Spy(type(os.environ)):
    def __getitem__(self, key):
        read.append(key)
        return super().__getitem__(key)
os.environ.__class__ = Spy
import provisioner.handler, provisioner.aws.session, provisioner.claim, provisioner.defaults
import functions.validate_request.app, functions.claim_cluster.app
assert not [key for key in read if key.startswith(ours)], read
os.environ.get("ROLE_PREFIX")
assert "ROLE_PREFIX" in read
"""
    paths = os.pathsep.join([str(root / "layers/provisioner"), str(root)])
    run = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
