"""Stacks that take their time and that fail as CloudFormation's do.

moto lacks: stack events per resource; a stack that is CREATE_IN_PROGRESS for a while; nested stacks that fail their
parent; lists without what is AWS::NoValue; partitions other than aws; lists of resources without those whose condition
does not hold; updates that make and remove what a condition now says; "No updates are to be performed"; defaults of
parameters that are lists.
"""
# mypy: disable-error-code="method-assign, assignment, attr-defined, call-arg, arg-type, index, union-attr, misc"

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import moto.cloudformation.models as models
import moto.cloudformation.parsing as parsing
from moto.cloudformation.exceptions import CloudFormationError, UnformattedGetAttTemplateException, ValidationError
from moto.utilities.utils import get_partition

from local.aws.partitions import dns_suffix
from local.aws.patches.cloudformation_removal import add_event, reason

if TYPE_CHECKING:
    from local.aws.server import AwsServer

IN_PROGRESS = {
    "CREATE_COMPLETE": "CREATE_IN_PROGRESS",
    "ROLLBACK_COMPLETE": "ROLLBACK_IN_PROGRESS",
    "ROLLBACK_FAILED": "ROLLBACK_IN_PROGRESS",
}


class ResourceFailedError(Exception):
    """A nested stack did not become complete."""


def install(server: AwsServer) -> None:
    _record_resource_events()
    _take_time(server)
    _nest()
    parsing.ResourceMap.__init__ = _in_its_partition(parsing.ResourceMap.__init__)
    parsing.ResourceMap.load_parameters = _with_lists(parsing.ResourceMap.load_parameters)
    parsing.clean_json = _without_no_value(parsing.clean_json)
    parsing.parse_and_update_resource = _unless_unwanted(parsing.parse_and_update_resource)
    models.Stack.stack_resources = property(lambda self: [made for made in self.resource_map.values() if made])
    parsing.ResourceMap.update = _following_conditions(parsing.ResourceMap.update)
    parsing.ResourceMap.build_resource_diff = _with_conditions(parsing.ResourceMap.build_resource_diff)
    models.CloudFormationBackend.update_stack = _updating(models.CloudFormationBackend.update_stack)


def _without_no_value(clean: Any) -> Any:
    """Source: CloudFormation guide, "Pseudo parameters": AWS::NoValue removes what it stands for."""

    def cleaned(resource_json: Any, resources_map: Any) -> Any:
        value = clean(resource_json, resources_map)
        return [each for each in value if each is not None] if isinstance(value, list) else value

    return cleaned


def _in_its_partition(init: Any) -> Any:
    def made(self: Any, *arguments: Any, **options: Any) -> None:
        init(self, *arguments, **options)
        self._parsed_resources["AWS::Partition"] = get_partition(self._region_name)
        self._parsed_resources["AWS::URLSuffix"] = dns_suffix(self._region_name)

    return made


def _with_lists(load: Any) -> Any:
    """Source: CloudFormation guide, "Parameters syntax": a CommaDelimitedList is an array, by default too."""

    def loaded(self: Any) -> None:
        load(self)
        for name, parameter in self._template.get("Parameters", {}).items():
            if parameter["Type"] == "CommaDelimitedList" and isinstance(self.resolved_parameters[name], str):
                self.resolved_parameters[name] = self.resolved_parameters[name].split(",")
        self._parsed_resources.update(self.resolved_parameters)

    return loaded


def _record_resource_events() -> None:
    create = parsing.parse_and_create_resource

    def recorded(logical_id: str, resource_json: Any, resources_map: Any, account_id: str, region_name: str) -> Any:
        backend = models.cloudformation_backends[account_id][region_name]
        stack = backend.stacks.get(resources_map.stack_id)
        resource_type = resource_json["Type"]
        try:
            made = create(logical_id, resource_json, resources_map, account_id, region_name)
        except Exception as error:
            if stack and not getattr(error, "reported", False):
                error.reported = True
                add_event(stack, logical_id, "", resource_type, "CREATE_FAILED", reason(error))
            raise
        if stack and made is not None:
            physical_id = str(made.physical_resource_id)
            add_event(stack, logical_id, physical_id, resource_type, "CREATE_IN_PROGRESS")
            add_event(stack, logical_id, physical_id, resource_type, "CREATE_COMPLETE")
        return made

    parsing.parse_and_create_resource = recorded


def _take_time(server: AwsServer) -> None:
    """The resources are there at once; the stack says so, and shows its outputs, only after `stack_seconds`."""
    outputs = models.Stack.outputs
    describe_events = models.CloudFormationBackend.describe_stack_events

    def get(self: Any) -> str:
        status: str = self.__dict__["status"]
        due: float = self.__dict__.get("complete_at", 0.0)
        return IN_PROGRESS.get(status, status) if time.monotonic() < due else status

    def put(self: Any, status: str) -> None:
        if status in IN_PROGRESS:
            types = {resource["Type"] for resource in self.template_dict["Resources"].values()}
            self.__dict__["complete_at"] = time.monotonic() + server.stack_seconds(types)
        self.__dict__["status"] = status

    def events(self: Any, stack_name: str) -> Any:
        stack = self.get_stack(stack_name)
        shown = describe_events(self, stack_name)
        if stack.status != stack.__dict__["status"]:
            return [event for event in shown if event.resource_status != stack.__dict__["status"]]
        return shown

    models.Stack.status = property(get, put)
    models.Stack.outputs = property(lambda self: None if self.status.endswith("IN_PROGRESS") else outputs.fget(self))
    models.CloudFormationBackend.describe_stack_events = events


def _nest() -> None:
    create = models.Stack.create_from_cloudformation_json.__func__

    def created(cls: Any, name: str, resource: Any, account_id: str, region: str, **options: Any) -> Any:
        properties = dict(resource["Properties"])
        given = properties.get("Parameters") or {}
        properties["Parameters"] = {key: _parameter_text(value) for key, value in given.items()}
        made = create(cls, name, {**resource, "Properties": properties}, account_id, region, **options)
        if not made.__dict__["status"].startswith("CREATE_"):
            why = f"Embedded stack {made.stack_id} was not successfully created: {made.status_reason}"
            models.cloudformation_backends[account_id][region].delete_stack(made.stack_id)
            raise ResourceFailedError(why)
        made.__dict__["complete_at"] = 0.0
        return made

    def get_attribute(self: Any, name: str) -> Any:
        found = {f"Outputs.{output['OutputKey']}": output["OutputValue"] for output in self.outputs or []}
        if name not in found:
            raise UnformattedGetAttTemplateException
        return found[name]

    models.Stack.create_from_cloudformation_json = classmethod(created)
    models.Stack.get_cfn_attribute = get_attribute
    models.Stack.physical_resource_id = property(lambda self: self.stack_id)


def _parameter_text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _following_conditions(update: Any) -> Any:
    def updated(self: Any, template: dict[str, Any], parameters: dict[str, Any] | None = None) -> None:
        update(self, template, parameters)
        for name, body in self._resource_json_map.items():
            if _unwanted(body, self):
                _remove(name, body, self)
            else:
                _ = self[name]  # makes what is not there yet

    return updated


def _with_conditions(diff: Any) -> Any:
    """What changes with a parameter also changes with a condition that the parameter decides."""

    def found(self: Any, other_template: dict[str, Any], parameters: dict[str, Any] | None = None) -> Any:
        names: dict[str, list[str]] = diff(self, other_template, parameters)
        old, new = self._resource_json_map, other_template["Resources"]
        changed = {each for each, value in (parameters or {}).items() if self.input_parameters.get(each) != value}
        conditions = other_template.get("Conditions", {})
        decided = {
            each for each, body in conditions.items() if changed & set(parsing.get_references_from_template(body))
        }
        names["Modify"] += [
            each
            for each in new
            if each in old and each not in names["Modify"] and decided & set(_conditions_in(new[each]))
        ]
        return names

    return found


def _conditions_in(body: Any) -> Iterator[str]:
    if isinstance(body, dict):
        for key, value in body.items():
            if key == "Fn::If":
                yield value[0]
            yield from _conditions_in(value)
    elif isinstance(body, list):
        for each in body:
            yield from _conditions_in(each)


def _unless_unwanted(update: Any) -> Any:
    def updated(logical_id: str, body: Any, resources_map: Any, account_id: str, region_name: str) -> Any:
        if _unwanted(body, resources_map):
            return _remove(logical_id, body, resources_map)
        return update(logical_id, body, resources_map, account_id, region_name)

    return updated


def _unwanted(body: Any, resources_map: Any) -> bool:
    return "Condition" in body and not resources_map.lazy_condition_map[body["Condition"]]


def _remove(name: str, body: Any, resources_map: Any) -> None:
    if resource := resources_map._parsed_resources.pop(name, None):
        resources_map._delete_resource(resource, body)


def _updating(update: Any) -> Any:
    def update_stack(self: Any, name: str, template: str, role_arn: Any, parameters: Any, tags: Any) -> Any:
        stack = self.get_stack(name)
        resolved = self._resolve_update_parameters(instance=stack, incoming_params=parameters)
        if stack.has_template(template) and stack.has_parameters(resolved) and tags in (None, {}, stack.tags):
            raise ValidationError(message="No updates are to be performed.")
        try:
            return update(self, name, template, role_arn, parameters, tags)
        except CloudFormationError:
            raise
        except Exception as error:
            # What the update had changed stays changed here, so the honest state is the failed roll-back.
            stack.status = "UPDATE_ROLLBACK_FAILED"
            stack.stack_status_reason = reason(error)
            stack._add_stack_event("UPDATE_ROLLBACK_FAILED", resource_status_reason=reason(error))
            return stack

    return update_stack
