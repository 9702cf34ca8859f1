"""operations/event-schemas.yaml, from schemas/storage-*.schema.json: `python -m tools.event_schemas`.

EventBridge's registry takes OpenAPI 3 and JSON Schema Draft 4 only (EventBridge Schema Registry API, CreateSchema,
Type). Of what we use, Draft 4 lacks `const` and `$defs`. A schema there describes the whole event, not its detail, and
is named source@DetailType, as the registry's own discovery names what it finds.
"""

import json
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[1]
TEMPLATE: Final = ROOT / "operations" / "event-schemas.yaml"
SOURCE: Final = "eks-efs-provisioner"
DRAFT_4: Final = "http://json-schema.org/draft-04/schema#"
_HEAD: Final = """\
# Generated from schemas/storage-*.schema.json by `python -m tools.event_schemas`; a test keeps it current.
AWSTemplateFormatVersion: "2010-09-09"
Description: The events of eks-efs-provisioner in EventBridge's schema registry, for code bindings.
"""

Json = dict[str, Any]


def template() -> str:
    registry = {
        "Type": "AWS::EventSchemas::Registry",
        "Properties": {"RegistryName": {"Ref": "Name"}, "Description": "Events of eks-efs-provisioner."},
    }
    schemas = [json.loads(path.read_text()) for path in sorted((ROOT / "schemas").glob("storage-*.schema.json"))]
    body = {
        "Parameters": {"Name": {"Type": "String", "Description": "The provisioner's stack; the registry's name."}},
        "Resources": {"Registry": registry, **{_type_name(schema): _resource(schema) for schema in schemas}},
    }
    return _HEAD + yaml.dump(body, Dumper=_Dumper, sort_keys=False, width=120)


def event_schema(detail: Json) -> Json:
    """The Draft 4 schema of the whole event whose detail is described by one of ours (2020-12)."""
    text = {"type": "string"}
    properties = {
        "version": text,
        "id": text,
        "detail-type": {"type": "string", "enum": [detail["title"]]},
        "source": {"type": "string", "enum": [SOURCE]},
        "account": text,
        "time": {"type": "string", "format": "date-time"},
        "region": text,
        "resources": {"type": "array", "items": text},
    }
    own = {key: value for key, value in detail.items() if key not in ("$schema", "$id", "$defs", "title")}
    return {
        "$schema": DRAFT_4,
        "title": _type_name(detail),
        "type": "object",
        "required": [*properties, "detail"],
        "properties": {**properties, "detail": as_draft_4(own)},
        "definitions": as_draft_4(detail.get("$defs", {})),
    }


def as_draft_4(node: Any) -> Any:
    """`const` becomes an enum of one value, `#/$defs/` becomes `#/definitions/`; the rest is the same in both."""
    if isinstance(node, list):
        return [as_draft_4(each) for each in node]
    if not isinstance(node, dict):
        return node.replace("#/$defs/", "#/definitions/") if isinstance(node, str) else node
    converted = {key: as_draft_4(value) for key, value in node.items() if key != "const"}
    return {**converted, "enum": [node["const"]]} if "const" in node else converted


def _resource(schema: Json) -> Json:
    return {
        "Type": "AWS::EventSchemas::Schema",
        "Properties": {
            "RegistryName": {"Fn::GetAtt": ["Registry", "RegistryName"]},
            "SchemaName": f"{SOURCE}@{_type_name(schema)}",
            "Type": "JSONSchemaDraft4",
            "Description": schema["description"],
            "Content": json.dumps(event_schema(schema), indent=1),
        },
    }


def _type_name(schema: Json) -> str:
    return str(schema["title"]).replace(" ", "")


class _Dumper(yaml.SafeDumper):
    """Texts of several lines are written as such."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


if __name__ == "__main__":
    TEMPLATE.write_text(template())
