"""What CloudFormation refuses before it makes anything: types that the region does not know, and what Rules assert.

moto lacks both (it leaves unknown types out). A type is refused even under a condition that is false
(aws-service-catalog-factory#274); where no list of a region's types is published, what moto knows decides. Source:
CloudFormation template reference, "Rule functions", and user guide, "CloudFormation template Rules syntax"; pseudo
parameters count there as parameters do (amazon-cloudfront-secure-static-site#50). How CloudFormation words a failed
assertion around its AssertDescription is not documented.
"""
# mypy: disable-error-code="method-assign, assignment, attr-defined, call-arg, arg-type, index, union-attr, misc"

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import moto.cloudformation.models as models
import moto.cloudformation.parsing as parsing
from moto.cloudformation.exceptions import ValidationError
from moto.utilities.utils import get_partition

from local.aws.availability import types_in

if TYPE_CHECKING:
    from local.aws.server import AwsServer

Values = Mapping[str, Any]

_FUNCTIONS: Final[Mapping[str, Callable[..., bool]]] = {
    "Fn::And": lambda *conditions: all(conditions),
    "Fn::Or": lambda *conditions: any(conditions),
    "Fn::Not": lambda condition: not condition,
    "Fn::Equals": lambda one, other: one == other,
    "Fn::Contains": lambda strings, string: string in strings,
    "Fn::EachMemberEquals": lambda strings, string: all(each == string for each in strings),
    "Fn::EachMemberIn": lambda strings, others: set(strings) <= set(others),
}
"""Without those that look up the attributes of parameters of AWS-specific types."""


def install(server: AwsServer) -> None:
    backend = models.CloudFormationBackend
    backend.create_stack = _checked(backend.create_stack)
    backend.update_stack = _checked(backend.update_stack)
    backend.create_change_set = _checked(backend.create_change_set)


def _checked(operation: Any) -> Any:
    signature = inspect.signature(operation)

    def checked(self: Any, *arguments: Any, **options: Any) -> Any:
        given = signature.bind(self, *arguments, **options).arguments
        template = models.Stack.parse_template(given["template"])
        _check_types(template, self.region_name)
        parameters = given.get("parameters") or {}
        if isinstance(parameters, list):  # an update's, in which the previous value may be meant
            stack = self.get_stack(given["name"])
            parameters = self._resolve_update_parameters(instance=stack, incoming_params=parameters)
        _check_rules(template, parameters, self)
        return operation(self, *arguments, **options)

    return checked


def unknown_types(template: Mapping[str, Any], region: str) -> list[str]:
    types = {str(resource.get("Type", "")) for resource in template.get("Resources", {}).values()}
    published = types_in(region)
    return sorted(
        name
        for name in types
        if not name.startswith("Custom::")
        and (not parsing.resource_class_from_type(name) or (published is not None and name not in published))
    )


def _check_types(template: Mapping[str, Any], region: str) -> None:
    unknown = unknown_types(template, region)
    if unknown:
        raise ValidationError(message=f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]")


def _check_rules(template: dict[str, Any], given: Mapping[str, Any], backend: Any) -> None:
    values = {
        "AWS::AccountId": backend.account_id,
        "AWS::Partition": get_partition(backend.region_name),
        "AWS::Region": backend.region_name,
        **{name: _value(each, given.get(name)) for name, each in template.get("Parameters", {}).items()},
    }
    for rule in template.get("Rules", {}).values():
        if not _evaluated(rule.get("RuleCondition", True), values):
            continue
        for assertion in rule["Assertions"]:
            if not _evaluated(assertion["Assert"], values):
                raise ValidationError(message=str(assertion.get("AssertDescription", "")).strip())


def _value(parameter: Mapping[str, Any], given: Any) -> Any:
    text = str(parameter.get("Default", "") if given is None else given)
    is_list = parameter["Type"] == "CommaDelimitedList" or parameter["Type"].startswith("List<")
    return [each.strip() for each in text.split(",")] if is_list else text


def _evaluated(expression: Any, values: Values) -> Any:
    if isinstance(expression, list):
        return [_evaluated(each, values) for each in expression]
    if not isinstance(expression, dict):
        return expression
    ((name, arguments),) = expression.items()
    if name == "Ref":
        if arguments not in values:
            raise ValidationError(
                message=f"Template format error: Unresolved dependencies [{arguments}] in the Rules block"
            )
        return values[arguments]
    if name not in _FUNCTIONS:
        raise ValidationError(message=f"the embedded CloudFormation evaluates no {name} in Rules")
    return _FUNCTIONS[name](*_evaluated(arguments, values))
