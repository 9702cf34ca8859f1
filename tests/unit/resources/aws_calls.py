"""Watching, refusing and altering single AWS calls of a client whose service is otherwise a fake that behaves."""

from collections.abc import Callable
from functools import cache
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.model import OperationModel

from local.aws.models.errors import is_known
from tests.unit.resources.samples import REGION


@cache
def _session() -> Any:
    """One for all tests: each new session parses the services' models again, EC2's for a second."""
    return boto3.session.Session(region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test")


def client(service: str) -> Any:
    """A client of its own for each test: what a test hooks to its calls ends with the test."""
    return _session().client(service)


class Calls:
    """The operations a client has called, in order."""

    def __init__(self, *clients: Any) -> None:
        self.names: list[str] = []
        for client in clients:
            client.meta.events.register_first("before-call.*.*", self._note)

    @property
    def mutating(self) -> list[str]:
        return [name for name in self.names if not name.startswith(("Describe", "List", "Get", "Simulate"))]

    def forget(self) -> None:
        self.names.clear()

    def _note(self, model: Any, **_: Any) -> None:
        self.names.append(model.name)


def refuse(client: Any, operation: str, code: str, *, meanwhile: Callable[[], object] = lambda: None) -> None:
    """The next call of `operation` is refused with `code`; `meanwhile` is what another run does in that moment."""
    refusals = [code]

    def answer(model: Any, **_: Any) -> tuple[AWSResponse, dict[str, Any]] | None:
        if not refusals:
            return None
        code = refusals.pop()
        meanwhile()
        return refusal(code, model)

    client.meta.events.register_first(f"before-call.*.{operation}", answer)


def refusal(code: str, operation: OperationModel) -> tuple[AWSResponse, dict[str, Any]]:
    """Only such as AWS may answer."""
    assert is_known(operation.service_model.service_name, operation.name, code), f"{code} is no error of {operation}"
    metadata = {"HTTPStatusCode": 400, "RequestId": "0"}
    return http(400), {"Error": {"Code": code, "Message": code}, "ResponseMetadata": metadata}


def http(status: int) -> AWSResponse:
    return AWSResponse("https://aws.invalid/", status, HTTPHeaders(), None)


def alter(client: Any, operation: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Every answer to `operation` passes through `change`: for states that the fake never shows."""
    client.meta.events.register(f"after-call.*.{operation}", lambda parsed, **_: change(parsed) and None)
