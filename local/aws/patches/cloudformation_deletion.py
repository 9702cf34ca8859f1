"""What CloudFormation keeps when it removes a resource from a stack: what its DeletionPolicy says.

moto lacks: RetainExceptOnCreate, which keeps a resource unless the operation that made it is rolled back, while Retain
keeps it even then; any policy when an update removes the resource. Source: CloudFormation template reference,
"DeletionPolicy attribute".
"""
# mypy: disable-error-code="method-assign"

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import moto.cloudformation.parsing as parsing

if TYPE_CHECKING:
    from local.aws.server import AwsServer

_undoing = ContextVar("_undoing", default=False)


def install(server: AwsServer) -> None:
    parsing.ResourceMap._delete_resource = _keeping(parsing.ResourceMap._delete_resource)


@contextmanager
def undoing_a_creation() -> Iterator[None]:
    """What is removed in this block, in nested stacks too, was made by the operation that is rolled back."""
    token = _undoing.set(True)
    try:
        yield
    finally:
        _undoing.reset(token)


def _keeping(delete: Any) -> Any:
    def delete_resource(self: Any, resource: Any, body: dict[str, Any]) -> None:
        match body.get("DeletionPolicy"):
            case "Retain":
                return
            case "RetainExceptOnCreate" if not _undoing.get():
                return
        delete(self, resource, body)

    return delete_resource
