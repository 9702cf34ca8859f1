"""What a client reads of an answer: everything that is sent has a place in the model and the type it has there.

A client drops what its model does not know and leaves out what is missing, so that a mistake here shows as nothing at
all there. Each function says what is wrong with one answer, in a sentence per fault.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any
from xml.etree import ElementTree

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from local.aws.models import operation_model
from local.aws.models.constraints import demands

Faults = Iterator[str]
UNLIKE = {
    ("ec2", "Attachments[].State"): "EC2 API, InternetGatewayAttachment: available when attached to a VPC",
    ("ec2", "VpcEndpoint.State"): "aws-sdk#258: available, in small letters",
    ("ec2", "VpcEndpoints[].State"): "aws-sdk#258",
    ("backup", "BackupVaultName"): "EFS guide, Backing up EFS file systems: aws/efs/automatic-backup-vault",
    ("dynamodb", "ProvisionedThroughput.NumberOfDecreasesToday"): "DynamoDB API, DescribeTable, example: 0",
}
"""By service and the end of a path: values that AWS answers although its model rules them out, with their source."""

IN_JSON = ("json", "rest-json")
TIMES = {
    "iso8601": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"),
    "rfc822": re.compile(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"),
    "unixTimestamp": re.compile(r"\d+(\.\d+)?"),
}
"""A time without a zone is none: a client would read it in the zone of its own machine."""


def faults_of_answer(
    service: str, operation: str, protocol: str, status: int, headers: Mapping[str, str], body: bytes
) -> list[str]:
    """Of a successful answer."""
    model = operation_model(service, operation)
    unlike = tuple(f"{path} is " for of, path in UNLIKE if of == service)
    found = [fault for fault in _faults(model, protocol, headers, body) if not any(path in fault for path in unlike)]
    declared = model.http.get("responseCode", 200)
    if protocol.startswith("rest") and status != declared and not _says_its_status(model):
        found.append(f"the status of {operation} is {declared}, not {status}")
    return found


def _says_its_status(model: OperationModel) -> bool:
    members = model.output_shape.members if isinstance(model.output_shape, StructureShape) else {}
    return any(member.serialization.get("location") == "statusCode" for member in members.values())


def _faults(model: OperationModel, protocol: str, headers: Mapping[str, str], body: bytes) -> Faults:
    shape = model.output_shape
    if not isinstance(shape, StructureShape):
        return
    if protocol.startswith("rest"):
        yield from _faults_of_headers(shape, headers)
    in_body = _shape_of_body(shape) if protocol.startswith("rest") else shape
    if in_body is None:
        return
    if protocol in IN_JSON:
        yield from json_faults(in_body, json.loads(body or b"{}"), "")
    elif body:
        yield from xml_faults(in_body, _content(ElementTree.fromstring(body), model, protocol), "")  # noqa: S314


def _shape_of_body(shape: StructureShape) -> StructureShape | None:
    """None where the body is a stream of bytes or events, or nothing."""
    payload = shape.serialization.get("payload")
    if payload is None:
        return shape if any("location" not in member.serialization for member in shape.members.values()) else None
    member = shape.members[payload]
    return member if isinstance(member, StructureShape) and not member.serialization.get("eventstream") else None


def _content(root: ElementTree.Element, model: OperationModel, protocol: str) -> ElementTree.Element:
    """Without what a protocol puts around or beside the output."""
    wrapper = model.output_shape.serialization.get("resultWrapper") if model.output_shape else None
    if protocol == "query" and wrapper:
        found = root.find(f"{{*}}{wrapper}")
        return found if found is not None else ElementTree.Element(wrapper)
    if protocol == "ec2":
        for child in list(root):
            if _tag(child) == "requestId":
                root.remove(child)
    return root


def _faults_of_headers(shape: StructureShape, headers: Mapping[str, str]) -> Faults:
    given = {name.lower(): str(value) for name, value in headers.items()}
    for name, member in shape.members.items():
        if member.serialization.get("location") == "header":
            text = given.get(member.serialization.get("name", name).lower())
            if text is not None:
                yield from _text_faults(member, text, name, "rfc822")
            elif name in shape.required_members:
                yield f"{name} is missing"


def json_faults(shape: Shape, value: Any, path: str) -> Faults:
    match shape:
        case StructureShape():
            if getattr(shape, "is_document_type", False):
                return
            if not isinstance(value, dict):
                yield f"{path} is no structure"
                return
            members = _json_members(shape)
            for name, given in value.items():
                if name not in members:
                    yield f"{_at(path, name)} is no member of {shape.name}"
                elif given is not None:
                    yield from json_faults(members[name][1], given, _at(path, name))
            present = {members[name][0] for name, given in value.items() if given is not None and name in members}
            yield from _missing(shape, present, path)
        case ListShape():
            if not isinstance(value, list):
                yield f"{path} is no list"
                return
            for item in value:
                if item is not None:
                    yield from json_faults(shape.member, item, f"{path}[]")
        case MapShape():
            if not isinstance(value, dict):
                yield f"{path} is no map"
                return
            for key, item in value.items():
                yield from _constraint_faults(shape.key, key, path)
                if item is not None:
                    yield from json_faults(shape.value, item, f"{path}{{}}")
        case _:
            yield from _json_scalar_faults(shape, value, path)


def _json_scalar_faults(shape: Shape, value: Any, path: str) -> Faults:
    if not _JSON_TYPES[shape.type_name](shape, value):
        yield f"{path} is {type(value).__name__} {value!r:.40}, not {shape.type_name}"
    else:
        yield from _constraint_faults(shape, value, path)


def _is_number(_shape: Shape, value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_integer(_shape: Shape, value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_text(_shape: Shape, value: Any) -> bool:
    return isinstance(value, str)


def _is_blob(_shape: Shape, value: Any) -> bool:
    try:
        return isinstance(value, str) and base64.b64decode(value, validate=True) is not None
    except binascii.Error:
        return False


def _is_timestamp(shape: Shape, value: Any) -> bool:
    if shape.serialization.get("timestampFormat", "unixTimestamp") == "unixTimestamp":
        return _is_number(shape, value)
    return isinstance(value, str) and _is_time(shape, value, "")


_JSON_TYPES: dict[str, Callable[[Shape, Any], bool]] = {
    "string": _is_text,
    "character": _is_text,
    "boolean": lambda _shape, value: isinstance(value, bool),
    "integer": _is_integer,
    "long": _is_integer,
    "float": _is_number,
    "double": _is_number,
    "blob": _is_blob,
    "timestamp": _is_timestamp,
}


def xml_faults(shape: Shape, element: ElementTree.Element, path: str) -> Faults:
    match shape:
        case StructureShape():
            yield from _xml_structure_faults(shape, element, path)
        case ListShape():
            name = shape.member.serialization.get("name", "member")
            for item in element:
                if _tag(item) not in (name, "item"):
                    yield f"{_at(path, _tag(item))} is no item of {shape.name}"
                else:
                    yield from xml_faults(shape.member, item, f"{path}[]")
        case MapShape():
            for entry in element:
                yield from _xml_entry_faults(shape, entry, path)
        case _:
            yield from _text_faults(shape, element.text or "", path, "iso8601")


def _xml_structure_faults(shape: StructureShape, element: ElementTree.Element, path: str) -> Faults:
    members, present = _xml_members(shape), set()
    for child in element:
        if _tag(child) not in members:
            yield f"{_at(path, _tag(child))} is no member of {shape.name}"
            continue
        name, member = members[_tag(child)]
        present.add(name)
        if isinstance(member, ListShape) and member.serialization.get("flattened"):
            yield from xml_faults(member.member, child, f"{_at(path, name)}[]")
        elif isinstance(member, MapShape) and member.serialization.get("flattened"):
            yield from _xml_entry_faults(member, child, _at(path, name))
        else:
            yield from xml_faults(member, child, _at(path, name))
    of_attributes = {name for name, member in shape.members.items() if member.serialization.get("xmlAttribute")}
    yield from _missing(shape, present | of_attributes, path)


def _xml_entry_faults(shape: MapShape, entry: ElementTree.Element, path: str) -> Faults:
    names = {shape.key.serialization.get("name", "key"): shape.key}
    names[shape.value.serialization.get("name", "value")] = shape.value
    for part in entry:
        if _tag(part) not in names:
            yield f"{_at(path, _tag(part))} is no part of an entry of {shape.name}"
        else:
            yield from xml_faults(names[_tag(part)], part, f"{path}{{}}")


def _text_faults(shape: Shape, text: str, path: str, time_format: str) -> Faults:
    """A scalar as XML and headers have it."""
    match shape.type_name:
        case "boolean":
            well_formed = text in ("true", "false")
        case "integer" | "long":
            well_formed = text.lstrip("-").isdigit()
        case "float" | "double":
            well_formed = _is_float(text)
        case "timestamp":
            well_formed = _is_time(shape, text, time_format)
        case "blob":
            well_formed = _is_blob(shape, text)
        case _:
            yield from _constraint_faults(shape, text, path)
            return
    if not well_formed:
        yield f"{path} is {text!r:.40}, not {shape.type_name}"


def _is_time(shape: Shape, text: str, usual_format: str) -> bool:
    return TIMES[shape.serialization.get("timestampFormat", usual_format)].fullmatch(text) is not None


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _constraint_faults(shape: Shape, value: Any, path: str) -> Faults:
    for satisfied, (_, words) in _demands(shape):
        if not satisfied(value):
            yield f"{path} is {value!r:.60}: {words:.200}"


def _missing(shape: StructureShape, present: set[str], path: str) -> Faults:
    for name in shape.required_members:
        if name not in present and "location" not in shape.members[name].serialization:
            yield f"{_at(path, name)} is missing"


@cache
def _demands(shape: Shape) -> Any:
    return demands(shape)


@cache
def _json_members(shape: StructureShape) -> dict[str, tuple[str, Shape]]:
    return {
        member.serialization.get("name", name): (name, member)
        for name, member in shape.members.items()
        if "location" not in member.serialization
    }


@cache
def _xml_members(shape: StructureShape) -> dict[str, tuple[str, Shape]]:
    members = {}
    for name, member in shape.members.items():
        if "location" in member.serialization:
            continue
        on_the_wire = member.serialization.get("name", name)
        if isinstance(member, ListShape) and member.serialization.get("flattened"):
            on_the_wire = member.member.serialization.get("name", on_the_wire)
        members[on_the_wire] = name, member
    return members


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
