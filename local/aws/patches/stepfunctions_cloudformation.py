"""AWS::StepFunctions::StateMachine in templates.

moto lacks: creating it where the interpreter looks; DefinitionS3Location, Definition and DefinitionSubstitutions; YAML;
its type, logging and tracing; Fn::GetAtt Arn.
"""
# mypy: disable-error-code="method-assign, assignment, attr-defined, call-arg, arg-type, index, union-attr, misc"

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import moto.stepfunctions.models as models
import yaml
from moto.cloudformation.exceptions import ValidationError
from moto.s3.models import s3_backends
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

if TYPE_CHECKING:
    from local.aws.server import AwsServer

SUBSTITUTION = re.compile(r"\$\{([A-Za-z0-9_]+)\}")


def install(server: AwsServer) -> None:
    machine = models.StateMachine
    create = machine.create_from_cloudformation_json.__func__
    update = machine.update_from_cloudformation_json.__func__
    get_attribute, has_attribute = machine.get_cfn_attribute, machine.has_cfn_attr.__func__

    def with_properties(made: Any, properties: dict[str, Any]) -> Any:
        made.type = made.sm_type = properties.get("StateMachineType", "STANDARD")
        logging = properties.get("LoggingConfiguration")
        if logging:
            made.loggingConfiguration = _lower_first(logging)
        made.tracingConfiguration = {"enabled": bool(properties.get("TracingConfiguration", {}).get("Enabled"))}
        return made

    def created(cls: Any, name: str, resource: Any, account_id: str, region: str, **options: Any) -> Any:
        resource = _rendered(resource, account_id)
        return with_properties(create(cls, name, resource, account_id, region, **options), resource["Properties"])

    def updated(
        cls: Any,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: Any,
        account_id: str,
        region_name: str,
    ) -> Any:
        resource = _rendered(cloudformation_json, account_id)
        resource["Properties"].setdefault("StateMachineName", original_resource.name)
        made = update(cls, original_resource, new_resource_name, resource, account_id, region_name)
        return with_properties(made, resource["Properties"])

    def deleted(cls: Any, name: str, resource: Any, account_id: str, region: str) -> None:
        stepfunctions_parser_backends[account_id][region].delete_state_machine(name)

    models.stepfunctions_backends = stepfunctions_parser_backends
    machine.create_from_cloudformation_json = classmethod(created)
    machine.update_from_cloudformation_json = classmethod(updated)
    machine.delete_from_cloudformation_json = classmethod(deleted)
    machine.get_cfn_attribute = lambda self, name: self.arn if name == "Arn" else get_attribute(self, name)
    machine.has_cfn_attr = classmethod(lambda cls, name: name == "Arn" or has_attribute(cls, name))


def _rendered(resource: dict[str, Any], account_id: str) -> dict[str, Any]:
    """The resource with its definition as the JSON text that the service would receive."""
    properties = dict(resource["Properties"])
    text = _definition_text(properties, account_id)
    substitutions = properties.get("DefinitionSubstitutions") or {}
    unknown = set(SUBSTITUTION.findall(text)) - substitutions.keys()
    if unknown:
        raise ValidationError(message=f"Undefined DefinitionSubstitutions: {sorted(unknown)}")
    text = SUBSTITUTION.sub(lambda match: str(substitutions[match[1]]), text)
    properties["DefinitionString"] = (
        text if text.lstrip().startswith("{") else json.dumps(yaml.load(text, yaml.CSafeLoader))
    )
    return {**resource, "Properties": properties}


def _definition_text(properties: dict[str, Any], account_id: str) -> str:
    location = properties.get("DefinitionS3Location")
    if location:
        stored = s3_backends[account_id]["aws"].get_object(location["Bucket"], location["Key"])
        if stored is None:
            raise ValidationError(message=f"There is no definition at {location}")
        return str(stored.value.decode())
    if "Definition" in properties:
        return json.dumps(properties["Definition"])
    return str(properties["DefinitionString"])


def _lower_first(value: Any) -> Any:
    if isinstance(value, dict):
        return {key[0].lower() + key[1:]: _lower_first(item) for key, item in value.items()}
    return [_lower_first(item) for item in value] if isinstance(value, list) else value
