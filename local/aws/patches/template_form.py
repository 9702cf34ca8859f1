"""ValidateTemplate, as CloudFormation does it: the template's form, not what its resources would become.

moto lacks: that distinction. It runs all of cfn-lint, for seconds, and answers that a stack does not exist.
Source: CloudFormation API, ValidateTemplate; the messages are those that people report of it.
"""
# mypy: disable-error-code="attr-defined, method-assign"

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import yaml
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import Stack
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.responses import ActionResult

from local.aws.patches.cloudformation_validation import unknown_types
from local.aws.refusals import refusal

if TYPE_CHECKING:
    from local.aws.server import AwsServer

LARGEST_BODY_BYTES = 51_200
SECTIONS = (
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Rules",
    "Mappings",
    "Conditions",
    "Transform",
    "Globals",
    "Resources",
    "Outputs",
)
TYPE = re.compile(r"\w+::\w+(::\w+)*")
SUBSTITUTED = re.compile(r"\$\{([^!}.]+)[^}]*\}")


def install(server: AwsServer) -> None:
    def validate_template(self: Any) -> ActionResult:
        body = self._get_param("TemplateBody")
        if body is None:
            body = self._get_stack_from_s3_url(self._get_param("TemplateURL"))
        elif len(body.encode()) > LARGEST_BODY_BYTES:
            raise refusal("ValidationError", f"Member must have length less than or equal to {LARGEST_BODY_BYTES}")
        template = _parsed(body)
        problem = next(_problems(template, self.region), None)
        if problem:
            raise refusal("ValidationError", f"Template format error: {problem}")
        return ActionResult(_told(template))

    CloudFormationResponse.validate_template = validate_template


def _parsed(body: str) -> Mapping[str, Any]:
    try:
        template = Stack.parse_template(body)
    except (ValueError, yaml.YAMLError, ValidationError) as error:
        raise refusal("ValidationError", f"Template format error: {error}") from error
    if not isinstance(template, dict):
        raise refusal("ValidationError", "Template format error: unsupported structure.")
    return template


def _problems(template: Mapping[str, Any], region: str) -> Iterator[str]:
    unknown = sorted(template.keys() - {*SECTIONS})
    if unknown:
        yield f"Invalid template property or properties [{', '.join(unknown)}]"
    resources = template.get("Resources")
    if not isinstance(resources, dict) or not resources:
        yield "At least one Resources member must be defined."
        return
    for name, resource in resources.items():
        if not isinstance(resource, dict) or "Type" not in resource:
            yield f"[/Resources/{name}] Every Resources object must contain a Type member."
        elif not TYPE.fullmatch(str(resource["Type"])):
            yield f"Unrecognized resource types: [{resource['Type']}]"
        elif resource.get("Condition") not in (None, *template.get("Conditions", {})):
            yield f"Unresolved condition dependency {resource['Condition']} in the Resources block of the template"
    # What a transform makes of its own types is not known yet.
    unrecognized = [] if "Transform" in template else unknown_types(template, region)
    if unrecognized:
        yield f"Unrecognized resource types: [{', '.join(unrecognized)}]"
    known = {*resources, *template.get("Parameters", {})}
    generated = "Transform" in template
    missing = {name for name in _references(template) if name not in known and not name.startswith("AWS::")}
    if missing and not generated:
        yield f"Unresolved resource dependencies [{', '.join(sorted(missing))}] in the Resources block of the template"


def _references(node: Any) -> Iterator[str]:
    """Every logical id or parameter that is referred to."""
    if isinstance(node, list):
        for item in node:
            yield from _references(item)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        if key == "Ref":
            yield str(value)
        elif key == "Fn::GetAtt":
            yield str(value[0] if isinstance(value, list) else value.split(".")[0])
        elif key == "Fn::Sub":
            text, own = (value, {}) if isinstance(value, str) else value
            yield from (name for name in SUBSTITUTED.findall(text) if name not in own)
            yield from _references(own)
        else:
            yield from _references(value)


def _told(template: Mapping[str, Any]) -> dict[str, Any]:
    parameters = [
        {
            "ParameterKey": name,
            "DefaultValue": str(each.get("Default", "")),
            "NoEcho": bool(each.get("NoEcho")),
            **_description(each),
        }
        for name, each in template.get("Parameters", {}).items()
    ]
    transforms = template.get("Transform", [])
    return {
        **_description(template),
        "Parameters": parameters,
        "Capabilities": ["CAPABILITY_AUTO_EXPAND"] if transforms else [],
        "DeclaredTransforms": transforms if isinstance(transforms, list) else [transforms],
    }


def _description(of: Mapping[str, Any]) -> dict[str, str]:
    return {"Description": of["Description"]} if of.get("Description") else {}
