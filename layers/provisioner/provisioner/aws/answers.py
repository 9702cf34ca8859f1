"""Answers of AWS that are none: half a body, or what a gateway on the way says.

botocore takes JSON that it cannot read for an answer without members: a list would be empty, so that what exists is
made again, and a fact would be a KeyError far from its cause. XML it refuses with the whole body in the message.
Source: botocore/parsers.py, BaseJSONParser._parse_body_as_json, BaseXMLResponseParser._parse_xml_string_to_dom, which
QueryParser._do_parse calls for operations without an output, too.
"""

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final
from xml.etree import ElementTree

import boto3
import botocore.loaders
import botocore.session
from botocore.model import OperationModel

from provisioner.errors import ErrorReason, RetryableError

_READERS: Final[Mapping[str, Callable[[bytes], object]]] = {
    "json": json.loads,
    "rest-json": json.loads,
    "query": ElementTree.fromstring,
    "ec2": ElementTree.fromstring,
    "rest-xml": ElementTree.fromstring,
}


_loader: Final = cache(botocore.loaders.create_loader)
"""One for all sessions: each would read the descriptions of its services anew, 30 MiB for every account."""


def sdk_session() -> botocore.session.Session:
    """A session whose clients raise RetryableError ServiceUnavailable instead."""
    session = botocore.session.Session()
    session.register_component("data_loader", _loader())
    session.register("before-parse", require_readable)
    return session


def use_as_default() -> None:
    """From now on `boto3.client` has such a session."""
    boto3.setup_default_session(botocore_session=sdk_session())


def require_readable(**event: Any) -> None:
    """For botocore's event before-parse. Raises: RetryableError ServiceUnavailable."""
    operation_model: OperationModel = event["operation_model"]
    response_dict = event["response_dict"]
    read = _READERS.get(operation_model.service_model.resolved_protocol)
    if read is None or not _is_to_be_read(operation_model, response_dict["status_code"], response_dict["body"]):
        return
    try:
        read(response_dict["body"])
    except (ValueError, ElementTree.ParseError):
        raise RetryableError(
            ErrorReason.SERVICE_UNAVAILABLE,
            f"{operation_model.name}: what came back is no answer of AWS",
            remedy="the same call is made again",
        ) from None


def _is_to_be_read(operation_model: OperationModel, status: int, body: bytes) -> bool:
    """Of a 5xx the status says enough: botocore asks again. An error may come without a body, as to HEAD."""
    if status >= 300:
        return status < 500 and bool(body)
    return _is_a_document(operation_model) if body else status == 200 and _says_something(operation_model)


def _is_a_document(operation_model: OperationModel) -> bool:
    """And no blob or string of somebody else's: an object in S3, a policy."""
    if _is_answered_in_a_form(operation_model):
        return True
    output = operation_model.output_shape
    payload = output.serialization.get("payload") if output is not None else None
    return output is not None and (payload is None or output.members[payload].type_name == "structure")


def _says_something(operation_model: OperationModel) -> bool:
    """More than its status and headers: an empty body would be an empty list."""
    output = operation_model.output_shape
    members = output.members.values() if output is not None and "payload" not in output.serialization else ()
    return _is_answered_in_a_form(operation_model) or any("location" not in each.serialization for each in members)


def _is_answered_in_a_form(operation_model: OperationModel) -> bool:
    """Which has the request's id if nothing else."""
    return operation_model.service_model.resolved_protocol in ("query", "ec2")
