"""Functions as processes: what they see, how they fail, how they end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws import lambda_runtime
from tests.local.aws.patches.conftest import TRUST, Sandbox

ROOT = Path(__file__).resolve().parents[4]


def body(*lines: str, before: str = "") -> str:
    return f"{before}\ndef handler(event, context):\n" + "".join(f"    {line}\n" for line in lines)


def test_a_function_runs_under_its_role_with_its_environment(aws: Sandbox) -> None:
    function = aws.function(
        body(
            "return {'arn': boto3.client('sts').get_caller_identity()['Arn'], 'set': os.environ['SET']}",
            before="import os, boto3",
        ),
        Environment={"Variables": {"SET": "here"}},
    )
    answer, failed = aws.invoke(function)
    assert failed is None
    assert answer["set"] == "here"
    assert answer["arn"] == f"arn:aws:sts::123456789012:assumed-role/runner/{function.rsplit(':', 1)[1]}"


def test_a_function_sees_its_own_code_and_not_the_repository(aws: Sandbox) -> None:
    function = aws.function(body("return [sys.path, dict(os.environ), os.getcwd()]", before="import os, sys"))
    (path, environment, directory), _ = aws.invoke(function)
    assert path[0] == directory == environment["LAMBDA_TASK_ROOT"]
    assert not {str(ROOT), "", str(ROOT / "layers/provisioner")} & set(path)
    assert "PYTHONPATH" not in environment
    assert "MOTO_PORT" not in environment
    assert environment["AWS_ENDPOINT_URL"] == aws.server.endpoint
    assert environment["AWS_REGION"] == "ap-northeast-1"


def test_warm_environments_are_reused_and_concurrent_calls_get_their_own(aws: Sandbox, tmp_path: Path) -> None:
    """Each of two calls at once ends only when the other has begun."""
    lines = f"open(f'{tmp_path}/{{os.getpid()}}', 'w').close()", f"while len(os.listdir('{tmp_path}')) < event:"
    function = aws.function(body(*lines, "    time.sleep(0.01)", "return os.getpid()", before="import os, time"))
    first, second = aws.invoke(function, 1)[0], aws.invoke(function, 1)[0]
    assert first == second
    pids: list[int] = []
    threads = [threading.Thread(target=lambda: pids.append(aws.invoke(function, 2)[0])) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(pids)) == 2


@pytest.mark.parametrize(
    ("code", "error_type", "message"),
    [
        ("import nothing_of_that_name\n", "Runtime.ImportModuleError", "Unable to import module 'app'"),
        ("def other(event, context): pass\n", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
        ("def handler(:\n", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"),
        ("raise RuntimeError('early')\n", "RuntimeError", "early"),
        (body("return {1, 2}"), "Runtime.MarshalError", "Unable to marshal response: Object of type set"),
        (body("raise LookupError('gone')"), "LookupError", "gone"),
        (body("raise SystemExit(3)"), "Runtime.ExitError", "Runtime exited with error: exit status 3"),
        (body("os._exit(0)", before="import os"), "Runtime.ExitError", "Runtime exited without providing a reason"),
        (
            body("os.kill(os.getpid(), 9)", before="import os"),
            "Runtime.ExitError",
            "Runtime exited with error: signal: killed",
        ),
        (body("return 'x' * 7_000_000"), "Function.ResponseSizeTooLarge", "Response payload size exceeded"),
    ],
)
def test_a_failure_is_reported_as_lambda_does(aws: Sandbox, code: str, error_type: str, message: str) -> None:
    function = aws.function(code)
    for _ in range(2):  # and the function is as it was, the next time
        answer, failed = aws.invoke(function)
        assert failed == "Unhandled"
        assert answer["errorType"] == error_type
        assert message in answer["errorMessage"]


def test_a_function_that_takes_too_long_is_killed(aws: Sandbox) -> None:
    function = aws.function(body("time.sleep(600)", before="import time"), timeout_seconds=1)
    started = time.monotonic()
    answer, failed = aws.invoke(function)
    assert failed == "Unhandled"
    assert answer["errorType"] == "Sandbox.Timedout"
    assert answer["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    assert time.monotonic() - started < 300


def test_what_it_prints_is_in_cloudwatch_logs_between_start_and_report(aws: Sandbox) -> None:
    function = aws.function(body("print('hello'); return context.get_remaining_time_in_millis()"))
    remaining, _ = aws.invoke(function)
    assert 60_000 < remaining <= 120_000
    logs = aws.server.client("logs")
    group = f"/aws/lambda/{function.rsplit(':', 1)[1]}"
    stream = logs.describe_log_streams(logGroupName=group)["logStreams"][0]["logStreamName"]
    events = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)["events"]
    words = [event["message"].split()[0] for event in events]
    assert words == ["INIT_START", "START", "hello", "END", "REPORT"]


def test_a_payload_over_six_megabytes_is_refused(aws: Sandbox) -> None:
    function = aws.function(body("return 1"))
    with pytest.raises(aws.functions.exceptions.RequestTooLargeException):
        aws.functions.invoke(FunctionName=function, Payload=json.dumps("x" * 6_400_000).encode())


def test_layers_are_on_the_path_and_the_last_one_wins(aws: Sandbox, tmp_path: Path) -> None:
    from local.aws.deploy import zipped

    arns = []
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "shared.py").write_text(f"NUMBER = {number}\n")
        content = {"ZipFile": zipped(folder, prefix="python/")}
        arns.append(aws.functions.publish_layer_version(LayerName=f"l{number}", Content=content)["LayerVersionArn"])
    function = aws.function(body("return shared.NUMBER", before="import shared"), Layers=arns)
    assert aws.invoke(function) == (2, None)


def test_an_asynchronous_invocation_does_not_wait(aws: Sandbox, tmp_path: Path) -> None:
    answered, ended = tmp_path / "answered", tmp_path / "ended"
    waiting = f"while not os.path.exists({str(answered)!r}): time.sleep(0.01)"
    function = aws.function(body(waiting, f"open({str(ended)!r}, 'w').close()", before="import os, time"))
    assert aws.functions.invoke(FunctionName=function, InvocationType="Event", Payload=b"{}")["StatusCode"] == 202
    assert not ended.exists()
    answered.touch()
    assert _waited_for(ended.exists)


def test_an_event_that_fails_is_tried_three_times_and_waits_in_the_dead_letter_queue(
    aws: Sandbox, tmp_path: Path
) -> None:
    tries = tmp_path / "tries"
    count = body(f"open({str(tries)!r}, 'a').write('.')", "raise LookupError('nobody ' + event['who'])")
    function = aws.function(count, DeadLetterConfig={"TargetArn": queue_arn(aws)})
    aws.functions.invoke(FunctionName=function, InvocationType="Event", Payload=b'{"who": "there"}')
    sqs, url = aws.server.client("sqs"), queue_url(aws)
    (message,) = _waited_for(lambda: sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"]).get("Messages"))
    assert json.loads(message["Body"]) == {"who": "there"}
    assert message["MessageAttributes"]["ErrorMessage"]["StringValue"] == "nobody there"
    assert tries.read_text() == "..."


def test_a_dead_letter_queue_is_one_that_the_functions_role_may_send_to(aws: Sandbox) -> None:
    people = aws.server.client("iam")
    role = people.create_role(RoleName="reader", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    with pytest.raises(ClientError, match="does not have permissions to call SendMessage on SQS"):
        aws.function(body("pass"), Role=role, DeadLetterConfig={"TargetArn": queue_arn(aws)})


def queue_url(aws: Sandbox) -> str:
    return str(aws.server.client("sqs").create_queue(QueueName="dead-letters")["QueueUrl"])


def queue_arn(aws: Sandbox) -> str:
    asked = {"QueueUrl": queue_url(aws), "AttributeNames": ["QueueArn"]}
    return str(aws.server.client("sqs").get_queue_attributes(**asked)["Attributes"]["QueueArn"])


def _waited_for(probe: Callable[[], Any], seconds: float = 300) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := probe()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def test_functions_die_with_the_server_even_when_it_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "serve.py"
    script.write_text(
        "import sys, threading, time\n"
        "from local.aws.server import AwsServer\n"
        "from tests.local.aws.patches.conftest import Sandbox\n"
        "server = AwsServer(); server.start(); box = Sandbox(server)\n"
        "code = 'import os, time\\ndef handler(event, context):\\n"
        '    open(event, "w").write(str(os.getpid())); time.sleep(600)\\n\'\n'
        "function = box.function(code, timeout_seconds=900)\n"
        "threading.Thread(target=box.invoke, args=(function, sys.argv[1]), daemon=True).start()\n"
        "time.sleep(600)\n"
    )
    note = tmp_path / "pid"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    server = subprocess.Popen([sys.executable, str(script), str(note)], env=environment, cwd=tmp_path)
    try:
        pid = int(_eventually(lambda: note.read_text() if note.exists() else ""))
        assert Path(f"/proc/{pid}").exists() or _alive(pid)
    finally:
        server.kill()
        server.wait()
    assert _eventually(lambda: "" if _alive(pid) else "gone") == "gone"


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"  # a zombie only waits to be reaped


def _eventually(probe: object, seconds: float = 300) -> str:
    assert callable(probe)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := probe():
            return str(found)
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def test_the_environment_that_has_been_idle_for_longest_ends_when_there_are_too_many(
    aws: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lambda_runtime, "MOST_IDLE", 2)
    who = "import os\ndef handler(event, context):\n    return os.getpid()\n"
    first, second, third = (aws.function(who) for _ in range(3))
    began = [aws.invoke(each)[0] for each in (first, second, third)]
    assert [aws.invoke(each)[0] for each in (second, third)] == began[1:]
    assert not Path(f"/proc/{began[0]}").exists()
    assert aws.invoke(first)[0] != began[0]


def test_what_has_been_retired_is_not_among_the_idle_any_more(aws: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lambda_runtime, "MOST_IDLE", 1)
    first, second = (
        aws.function("import os\ndef handler(event, context):\n    return os.getpid()\n") for _ in range(2)
    )
    began = aws.invoke(first)[0]
    aws.server.lambda_runtime.retire("")
    assert not Path(f"/proc/{began}").exists()
    assert aws.invoke(second)[0] == aws.invoke(second)[0]
    assert aws.invoke(first)[0] != began


def test_a_function_may_take_the_time_for_another(aws: Sandbox) -> None:
    """Its deadline is Lambda's own; what it signs is refused, by each service in its own words."""
    refused = aws.function(
        "import boto3\nfrom botocore.exceptions import ClientError\n"
        "def handler(event, context):\n"
        "    calls = {'sts': 'get_caller_identity', 'ec2': 'describe_vpcs', 's3': 'list_buckets',\n"
        "             'eks': 'list_clusters', 'dynamodb': 'list_tables'}\n"
        "    codes = {}\n"
        "    for service, call in calls.items():\n"
        "        try:\n"
        "            getattr(boto3.client(service), call)()\n"
        "        except ClientError as error:\n"
        "            codes[service] = error.response['Error']['Code']\n"
        "    return codes\n"
    )
    told = aws.function(
        "import time\nfrom datetime import UTC, datetime\nimport botocore.compat\n"
        "def handler(event, context):\n"
        "    now = datetime.now(UTC)\n"
        "    signs_at = botocore.compat.get_current_datetime().replace(tzinfo=UTC)\n"
        "    left = context.get_remaining_time_in_millis()\n"
        "    return [time.time(), now.timestamp(), signs_at.timestamp(), isinstance(now, datetime), left]\n"
    )
    aws.server.lambda_runtime.set_clock("", 3600.0)
    try:
        *ahead, is_one, left = aws.invoke(told)[0]
        now = time.time()
        codes = aws.invoke(refused)[0]
    finally:
        aws.server.lambda_runtime.set_clock("", 0.0)
        aws.server.lambda_runtime.retire("")
    assert [round((each - now) / 60) for each in ahead] == [60, 60, 60]
    assert (is_one, left > 0) == (True, True)
    assert codes == {
        "sts": "SignatureDoesNotMatch",
        "ec2": "RequestExpired",
        "s3": "RequestTimeTooSkewed",
        "eks": "InvalidSignatureException",
        "dynamodb": "InvalidSignatureException",
    }
    assert round((aws.invoke(told)[0][0] - time.time()) / 60) == 0
