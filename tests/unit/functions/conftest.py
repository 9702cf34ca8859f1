"""The handlers of the Ensure states run as they are deployed, against the fakes of tests/unit/resources."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol, cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import Target
from tests.unit.resources.conftest import cloudformation as cloudformation
from tests.unit.resources.conftest import cloudwatch as cloudwatch
from tests.unit.resources.conftest import ec2 as ec2
from tests.unit.resources.conftest import efs as efs
from tests.unit.resources.conftest import efs_backend as efs_backend
from tests.unit.resources.conftest import eks as eks
from tests.unit.resources.conftest import iam as iam
from tests.unit.resources.conftest import kms as kms
from tests.unit.resources.conftest import logs as logs
from tests.unit.resources.conftest import moto_aws as moto_aws
from tests.unit.resources.conftest import service_quotas as service_quotas
from tests.unit.resources.fake_cloudwatch import FakeCloudWatch
from tests.unit.resources.fake_eks import FakeEks
from tests.unit.resources.fake_iam import FakeIam
from tests.unit.resources.fake_quotas import FakeQuotas
from tests.unit.resources.samples import request_for


class Invoke(Protocol):
    def __call__(self, function: str, **payload: Any) -> dict[str, Any]: ...

    request: Callable[..., dict[str, Any]]
    """The default request as a payload, with some parts replaced."""


class Context(LambdaContext):
    def __init__(self, function_name: str) -> None:
        self._aws_request_id = "request-1"
        self._function_name = function_name


@pytest.fixture
def invoke(
    eks: FakeEks,
    iam: FakeIam,
    ec2: Any,
    efs: Any,
    cloudformation: Any,
    cloudwatch: FakeCloudWatch,
    logs: Any,
    kms: Any,
    service_quotas: FakeQuotas,
    monkeypatch: pytest.MonkeyPatch,
) -> Invoke:
    """Call functions/<name>/app.py with the default request and the rest of a payload."""
    clients = {
        "eks": eks.client,
        "iam": iam.client,
        "ec2": ec2,
        "efs": efs,
        "cloudformation": cloudformation,
        "cloudwatch": cloudwatch.client,
        "logs": logs,
        "kms": kms,
        "service-quotas": service_quotas.client,
    }
    for name, value in {
        "EXTERNAL_ID": "external-id",
        "AWS_REGION": "ap-northeast-1",
        "FUNCTIONS_ACCOUNT_ID": "123456789012",
        "FUNCTIONS_SUBNET_IDS": "",
        "FUNCTIONS_SECURITY_GROUP_IDS": "",
        "POWERTOOLS_TRACE_DISABLED": "true",
        "POWERTOOLS_SERVICE_NAME": "test",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(Target, "client", lambda _, service: clients[service])

    def call(function: str, **payload: Any) -> dict[str, Any]:
        handler = import_module(f"functions.{function}.app").lambda_handler
        event = {"execution_arn": "arn:aws:states:::execution:1", "request": request_for().model_dump(mode="json")}
        answer: dict[str, Any] = handler({**event, **payload}, Context(function))
        return answer

    call.request = lambda **parts: request_for(**parts).model_dump(mode="json")  # type: ignore[attr-defined]
    return cast(Invoke, call)
