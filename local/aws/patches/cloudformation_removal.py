"""Removing the resources of a stack: in a roll-back, or because somebody deletes it.

moto lacks: an order (it tries all until no more can go); an event for each resource; a roll-back or a deletion that
fails, and what could not be removed then; the token of the request in the events. Source: CloudFormation guide, "Stack
failure options" and "Understand CloudFormation stack creation events"; API, StackEvent.
"""
# mypy: disable-error-code="method-assign, assignment, attr-defined, call-arg, arg-type, misc"

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import moto.cloudformation.models as models
import moto.cloudformation.parsing as parsing
import moto.cloudformation.responses as responses

from local.aws.patches import cloudformation_deletion

if TYPE_CHECKING:
    from local.aws.server import AwsServer

_token: ContextVar[str | None] = ContextVar("_token", default=None)
"""ClientRequestToken of the request that is being answered."""


class LeftOverError(Exception):
    """Some resources could not be removed."""


def install(server: AwsServer) -> None:
    """After patches/cloudformation_deletion.py, whose policies decide what is removed at all."""
    models.Stack._create_resource_map = _of_its_stack(models.Stack._create_resource_map)
    parsing.ResourceMap.delete = _remove_resources
    models.Stack.create_resources = _or_roll_back(models.Stack.create_resources)
    models.CloudFormationBackend.delete_stack = _deleting(models.CloudFormationBackend.delete_stack)
    _tell_the_token()


def reason(error: BaseException) -> str:
    """What a person would read in the stack's events."""
    return str(getattr(error, "message", None) or error) or type(error).__name__


def add_event(
    stack: Any, logical_id: str, physical_id: str, resource_type: str, status: str, why: str | None = None
) -> None:
    stack.events.append(
        models.Event(
            stack_id=stack.stack_id,
            stack_name=stack.name,
            logical_resource_id=logical_id,
            physical_resource_id=physical_id,
            resource_type=resource_type,
            resource_status=status,
            resource_status_reason=why,
            resource_properties=None,
        )
    )


def _of_its_stack(create: Any) -> Any:
    """Whose events tell what becomes of the resources."""

    def created(self: Any) -> Any:
        made = create(self)
        made.stack = self
        return made

    return created


def _remove_resources(self: Any) -> None:
    """The last made first; what something left over still refers to is not tried. Raises: LeftOverError."""
    failed: list[str] = []
    left: set[str] = set()
    for name, made in reversed(list(self._parsed_resources.items())):
        body = self._resource_json_map.get(name)
        if body is None or made is None or isinstance(made, str):
            continue
        if any(name in _references(self._resource_json_map[other]) for other in left):
            left.add(name)
            continue
        told = self.stack, name, str(made.physical_resource_id), body["Type"]
        try:
            self._delete_resource(made, body)
        except Exception as error:
            add_event(*told, "DELETE_FAILED", reason(error))
            failed.append(name)
            left.add(name)
        else:
            add_event(*told, "DELETE_COMPLETE")
            self._parsed_resources.pop(name)
    if failed:
        raise LeftOverError(f"The following resource(s) failed to delete: [{', '.join(failed)}]. ")


def _references(value: Any) -> set[str]:
    return set(_named(value)) | set(_as_list(value.get("DependsOn", [])))


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            if key == "Ref":
                yield each
            elif key == "Fn::GetAtt":
                yield each.split(".")[0] if isinstance(each, str) else each[0]
            else:
                yield from _named(each)
    elif isinstance(value, list):
        for each in value:
            yield from _named(each)


def _as_list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _or_roll_back(create: Any) -> Any:
    def created(self: Any) -> None:
        try:
            create(self)
        except Exception as error:
            failed = [event.logical_resource_id for event in self.events if event.resource_status == "CREATE_FAILED"]
            why = reason(error)
            self.status_reason = f"The following resource(s) failed to create: [{', '.join(failed)}]. {why}"
            self._add_stack_event("ROLLBACK_IN_PROGRESS", resource_status_reason=self.status_reason)
            try:
                with cloudformation_deletion.undoing_a_creation():
                    self.resource_map.delete()
                status = "ROLLBACK_COMPLETE"
            except LeftOverError as left_over:
                self.status_reason = str(left_over)
                status = "ROLLBACK_FAILED"
            self._add_stack_event(status, resource_status_reason=self.status_reason)
            self.status = status
            self.stack_status_reason = self.status_reason
            self.output_map = models.OutputMap(self.resource_map, {}, self.stack_id)

    return created


def _deleting(delete: Any) -> Any:
    def delete_stack(self: Any, name_or_stack_id: str) -> None:
        before = dict(self.stacks)
        try:
            delete(self, name_or_stack_id)
        except LeftOverError as error:
            for stack_id, stack in before.items():
                if stack_id not in self.stacks and stack_id not in self.deleted_stacks:
                    self.stacks[stack_id] = stack
                    stack.status = "DELETE_FAILED"
                    stack.stack_status_reason = reason(error)
                    stack._add_stack_event("DELETE_FAILED", resource_status_reason=reason(error))

    return delete_stack


def _tell_the_token() -> None:
    initialise = models.Event.__init__

    def initialised(self: Any, **values: Any) -> None:
        initialise(self, **values)
        self.client_request_token = _token.get()

    models.Event.__init__ = initialised
    for name in ("create_stack", "update_stack", "delete_stack"):
        setattr(responses.CloudFormationResponse, name, _with_token(getattr(responses.CloudFormationResponse, name)))


def _with_token(answer: Any) -> Any:
    def answered(self: Any) -> Any:
        token = _token.set(self._get_param("ClientRequestToken"))
        try:
            return answer(self)
        finally:
            _token.reset(token)

    return answered
