"""The request that a person means: with fields of the command line, judged as the first state would judge it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from eks_efs.endings import WrongInput
from eks_efs.stack import Stack
from provisioner.defaults import complete_request
from provisioner.errors import RequestError
from provisioner.fleet.units import known_path_to
from provisioner.request import Request, json_schema


def with_settings(asked: Any, settings: Sequence[str]) -> Any:
    """`asked` with what FIELD=VALUE says, each value read as its field's type. Raises: WrongInput."""
    for setting in settings:
        field, equals, text = setting.partition("=")
        if not equals or not all(field.split(".")):
            raise WrongInput(f"--set {setting} is not FIELD=VALUE, such as cluster.name=eks-orders")
        *outer, last = _path(field)
        within = asked
        for name in outer:
            if isinstance(within, dict):
                within = within.setdefault(name, {})
        if not isinstance(within, dict):
            raise WrongInput(f"--set {setting}: what is around {field} is no object")
        within[last] = _value(_path(field), text)
    return asked


def judged(stack: Stack, asked: Any) -> Request:
    """The complete request, by the very function of the state "Validate request". Raises: WrongInput.

    Of the stack's own parameters nothing is filled in: the template lets only right values in there.
    """
    outputs = stack.outputs
    try:
        return complete_request(
            asked,
            own_account_id=stack.account_id,
            own_region=stack.region_name,
            stack_defaults="{}",
            ssm=stack.client("ssm"),
            defaults_parameter=outputs["DefaultsParameterName"],
            path_to=lambda unit_id: known_path_to(unit_id, stack.client("organizations")),
            functions_in_vpc=outputs["FunctionsInVpc"] == "true",
        )
    except RequestError as error:
        raise WrongInput(in_one_sentence(error)) from error


def in_one_sentence(error: RequestError) -> str:
    """The refusal of a state machine's input, with every wrong field."""
    first, *problems = error.subject.strip().splitlines()
    if not problems:
        return first
    return "; ".join(problem.removeprefix("- ") for problem in problems)


def _path(field: str) -> list[str]:
    """A tag's key may have dots of its own."""
    return field.split(".", 1) if field.startswith("tags.") else field.split(".")


def _value(path: Sequence[str], text: str) -> Any:
    """Text where the field takes text, so that version=1.33 is no number; a list may be written with commas."""
    types = _types(path)
    if text == "null" and "null" in types:
        return None
    if "array" in types and not text.startswith("["):
        return text.split(",") if text else []
    if types <= {"string", "null"}:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text  # which the model refuses, with what is allowed


def _types(path: Sequence[str]) -> set[str]:
    """What JSON Schema lets a field be; empty for a field that nobody knows."""
    root = json_schema()
    found = list(_forms(root, root))
    for name in path:
        inner = [form["properties"][name] for form in found if name in form.get("properties", {})]
        inner += [form["additionalProperties"] for form in found if isinstance(form.get("additionalProperties"), dict)]
        found = [form for schema in inner for form in _forms(schema, root)]
    return {str(form["type"]) for form in found if "type" in form}


def _forms(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "$ref" in schema:
        yield from _forms(root["$defs"][schema["$ref"].rsplit("/", 1)[-1]], root)
        return
    choices = [*schema.get("anyOf", []), *schema.get("oneOf", [])]
    for choice in choices:
        yield from _forms(choice, root)
    if not choices:
        yield schema
