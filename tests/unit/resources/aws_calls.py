"""Watching, refusing and altering single AWS calls of a client whose service is otherwise a fake that behaves."""

from collections.abc import Callable
from typing import Any

from botocore.awsrequest import AWSResponse


class Calls:
    """The operations a client has called, in order."""

    def __init__(self, *clients: Any) -> None:
        self.names: list[str] = []
        for client in clients:
            client.meta.events.register_first("before-call.*.*", self._note)

    @property
    def mutating(self) -> list[str]:
        return [name for name in self.names if not name.startswith(("Describe", "List", "Get"))]

    def forget(self) -> None:
        self.names.clear()

    def _note(self, model: Any, **_: Any) -> None:
        self.names.append(model.name)


def refuse(client: Any, operation: str, code: str, *, meanwhile: Callable[[], object] = lambda: None) -> None:
    """The next call of `operation` is refused with `code`; `meanwhile` is what another run does in that moment."""
    refusals = [code]

    def answer(**_: Any) -> tuple[AWSResponse, dict[str, Any]] | None:
        if not refusals:
            return None
        code = refusals.pop()
        meanwhile()
        return refusal(code)

    client.meta.events.register_first(f"before-call.*.{operation}", answer)


def refusal(code: str) -> tuple[AWSResponse, dict[str, Any]]:
    metadata = {"HTTPStatusCode": 400, "RequestId": "0"}
    return http(400), {"Error": {"Code": code, "Message": code}, "ResponseMetadata": metadata}


def http(status: int) -> AWSResponse:
    return AWSResponse("https://aws.invalid/", status, {}, None)


def alter(client: Any, operation: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Every answer to `operation` passes through `change`: for states that the fake never shows."""
    client.meta.events.register(f"after-call.*.{operation}", lambda parsed, **_: change(parsed) and None)
