"""DeleteStack: refused, cancelled, or under way for a while in the order of dependencies, and then done or failed.

moto lacks: termination protection; exports in use, which cancel a deletion; RetainResources, for what a first deletion
could not remove; DELETE_IN_PROGRESS. Source: CloudFormation API, DeleteStack, UpdateTerminationProtection; texts:
terraform-provider-aws#48411 (protection), rlister/stax#40 (exports). How RetainResources is refused is not published.
"""
# mypy: disable-error-code="method-assign, attr-defined"

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextvars import copy_context
from typing import TYPE_CHECKING, Any

import moto.cloudformation.models as models
import moto.cloudformation.parsing as parsing
import moto.cloudformation.responses as responses
from moto.cloudformation.exceptions import ValidationError
from moto.core.responses import ActionResult, EmptyResult

from local.aws.patches import cloudformation_removal
from local.aws.patches.cloudformation_removal import LeftOverError, reason

if TYPE_CHECKING:
    from local.aws.server import AwsServer

LEAST_SECONDS = 5.0
"""What the shortest deletion takes on AWS, about."""


def install(server: AwsServer) -> None:
    """Before patches/cloudformation_removal.py, whose events tell the token of the request that is answered here."""

    def answer(self: Any) -> EmptyResult:
        stack = _find(self.cloudformation_backend, self._get_param("StackName"))
        if stack is not None and _accepts_deletion(self.cloudformation_backend, stack):
            stack.__dict__["retained"] = _retained(stack, self._get_param("RetainResources") or [])
            _begin(stack)
            if server.stack_seconds([]):
                arguments = server, self.cloudformation_backend, stack
                thread = threading.Thread(target=copy_context().run, args=(_delete_in_time, *arguments), daemon=True)
                thread.start()
            else:
                _delete(self.cloudformation_backend, stack)
        return EmptyResult()

    responses.CloudFormationResponse.delete_stack = answer
    responses.CloudFormationResponse.update_termination_protection = _update_protection
    models.CloudFormationBackend.delete_stack = _delete_at_once


def _find(backend: Any, name_or_id: str) -> Any:
    return next((each for each in backend.stacks.values() if name_or_id in (each.name, each.stack_id)), None)


def _accepts_deletion(backend: Any, stack: Any) -> bool:
    if stack.enable_termination_protection:
        raise ValidationError(message=f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
    for export in stack.exports:
        if users := [other.name for other in backend.stacks.values() if export.name in _imports(other)]:
            why = f"Export {export.name} cannot be deleted as it is in use by {' and '.join(users)}"
            stack._add_stack_event(stack.status, resource_status_reason=why)
            return False
    return bool(stack.status != "DELETE_IN_PROGRESS")


def _retained(stack: Any, names: list[str]) -> set[str]:
    if names and stack.status != "DELETE_FAILED":
        raise ValidationError(
            message=f"Invalid operation on stack [{stack.stack_id}]: resources are retained in state DELETE_FAILED only"
        )
    if unknown := set(names) - set(stack.resource_map._parsed_resources):
        raise ValidationError(message=f"The following resources don't exist in the stack: {sorted(unknown)}")
    return set(names)


def _imports(stack: Any) -> set[str]:
    return set(_imported(stack.resource_map._resource_json_map, stack.resource_map))


def _imported(value: Any, resource_map: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            if key == "Fn::ImportValue":
                yield str(parsing.clean_json(each, resource_map))
            else:
                yield from _imported(each, resource_map)
    elif isinstance(value, list):
        for each in value:
            yield from _imported(each, resource_map)


def _begin(stack: Any) -> None:
    stack.status = "DELETE_IN_PROGRESS"
    stack._add_stack_event("DELETE_IN_PROGRESS", resource_status_reason="User Initiated")


def _delete_in_time(server: AwsServer, backend: Any, stack: Any) -> None:
    time.sleep(server.scaled(LEAST_SECONDS))
    with cloudformation_removal.taking_time(server):
        _delete(backend, stack)


def _delete_at_once(self: Any, name_or_stack_id: str) -> None:
    """Of a nested stack or an instance of a stack set, with what contains it."""
    stack = _find(self, name_or_stack_id)
    if stack is not None:
        _begin(stack)
        _delete(self, stack)


def _delete(backend: Any, stack: Any) -> None:
    exports = [export.name for export in stack.exports]
    try:
        stack.resource_map.delete()
    except LeftOverError as error:
        stack.status, stack.stack_status_reason = "DELETE_FAILED", reason(error)
        stack._add_stack_event("DELETE_FAILED", resource_status_reason=reason(error))
        return
    stack._add_stack_event("DELETE_COMPLETE")
    stack.status = "DELETE_COMPLETE"
    backend.deleted_stacks[stack.stack_id] = stack
    backend.stacks.pop(stack.stack_id, None)
    for name in exports:
        backend.exports.pop(name, None)


def _update_protection(self: Any) -> ActionResult:
    stack = self.cloudformation_backend.get_stack(self._get_param("StackName"))
    stack.enable_termination_protection = self._get_bool_param("EnableTerminationProtection", False)
    return ActionResult({"StackId": stack.stack_id})
