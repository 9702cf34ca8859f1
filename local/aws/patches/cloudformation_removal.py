"""Removing the resources of a stack: in a roll-back, or because somebody deletes it.

moto lacks: an order (it tries all until no more can go); an event for each resource; a roll-back or a deletion that
fails, and what could not be removed then; the token of the request in the events. Source: CloudFormation guide, "Stack
failure options" and "Understand CloudFormation stack creation events"; API, StackEvent. A resource that something still
uses is tried again for some minutes, and its reason is worded so: eksctl#7589, copilot-cli#5481.
"""
# mypy: disable-error-code="method-assign, assignment, attr-defined, call-arg, arg-type, misc"

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import moto.cloudformation.models as models
import moto.cloudformation.parsing as parsing
import moto.cloudformation.responses as responses
from moto.ec2.exceptions import EC2ClientError

from local.aws.patches import cloudformation_deletion

if TYPE_CHECKING:
    from local.aws.server import AwsServer

_token: ContextVar[str | None] = ContextVar("_token", default=None)
"""ClientRequestToken of the request that is being answered."""


PATIENCE_SECONDS, AGAIN_SECONDS = 300.0, 5.0
"""How long a resource that is in use is tried for, and how often; for how long is seen, not published."""

_server: ContextVar[AwsServer | None] = ContextVar("_server", default=None)


@contextmanager
def taking_time(server: AwsServer) -> Iterator[None]:
    """In this block resources take their time to go, and those in use are tried again."""
    token = _server.set(server)
    try:
        yield
    finally:
        _server.reset(token)


def takes_time() -> bool:
    return _server.get() is not None


class LeftOverError(Exception):
    """Some resources could not be removed."""


def install(server: AwsServer) -> None:
    """After patches/cloudformation_deletion.py, whose policies decide what is removed at all."""
    models.Stack._create_resource_map = _of_its_stack(models.Stack._create_resource_map)
    parsing.ResourceMap.delete = _remove_resources
    models.Stack.create_resources = _or_roll_back(models.Stack.create_resources)
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
    """All that nothing left refers to, the last made first, then what only that referred to. Raises: LeftOverError."""
    retained: set[str] = self.stack.__dict__.get("retained", set())
    there = [name for name, made in self._parsed_resources.items() if _is_resource(self, name, made)]
    waiting, failed = list(reversed(there)), list[str]()
    while ready := [name for name in waiting if not _is_needed(self, name, [*waiting, *failed])]:
        waiting = [name for name in waiting if name not in ready]
        going = [name for name in ready if name not in retained]
        for name in set(ready) - set(going):
            _note(self, name, "DELETE_SKIPPED")
            self._parsed_resources.pop(name)
        failed += _remove_together(self, going)
    if failed:
        raise LeftOverError(f"The following resource(s) failed to delete: [{', '.join(failed)}]. ")


def _is_resource(resources: Any, name: str, made: Any) -> bool:
    return name in resources._resource_json_map and made is not None and not isinstance(made, str)


def _is_needed(resources: Any, name: str, others: list[str]) -> bool:
    return any(name in _references(resources._resource_json_map[other]) for other in others if other != name)


def _remove_together(resources: Any, names: list[str]) -> list[str]:
    """The names of those that something uses until patience is over."""
    for name in names:
        begin = getattr(resources._parsed_resources[name], "begin_deletion", None)
        if begin and takes_time():
            begin()
    server = _server.get()
    deadline = time.monotonic() + (server.scaled(PATIENCE_SECONDS) if server else 0)
    while True:
        errors = {name: error for name in names if (error := _remove(resources, name))}
        if not errors or not server or time.monotonic() > deadline:
            break
        names = [name for name in names if name in errors]
        if not any(getattr(error, "code", "") in IN_USE for error in errors.values()):
            break
        time.sleep(server.scaled(AGAIN_SECONDS))
    for name, error in errors.items():
        _note(resources, name, "DELETE_FAILED", _told(error))
    return list(errors)


IN_USE = ("DependencyViolation", "InvalidIPAddress.InUse")


def _remove(resources: Any, name: str) -> Exception | None:
    try:
        resources._delete_resource(resources._parsed_resources[name], resources._resource_json_map[name])
    except Exception as error:
        return error
    _note(resources, name, "DELETE_COMPLETE")
    resources._parsed_resources.pop(name)
    return None


def _told(error: Exception) -> str:
    """As the handlers of EC2's resources word it."""
    if not isinstance(error, EC2ClientError):
        return reason(error)
    said = f"{reason(error)} (Service: Ec2, Status Code: 400, Request ID: {uuid.uuid4()})"
    return (
        f'Resource handler returned message: "{said}" (RequestToken: {uuid.uuid4()}, HandlerErrorCode: InvalidRequest)'
    )


def _note(resources: Any, name: str, status: str, why: str | None = None) -> None:
    made = resources._parsed_resources[name]
    body = resources._resource_json_map[name]
    add_event(resources.stack, name, str(made.physical_resource_id), body["Type"], status, why)


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
