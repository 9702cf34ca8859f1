"""SNS that refuses what SNS refuses of a message.

moto lacks: subjects with control characters, or of exactly a hundred characters, or none; the size in bytes, with the
attributes; a structure without a default, or that is no JSON, when nobody is subscribed; that a value which is no
string counts as if it were not there. Sources: SNS API, Publish (the rules), whose earlier text has ASCII alone in a
subject (sensu-plugins/sensu-plugins-aws#276); wellcomecollection/platform#1107 and getmoto/moto#1503 (its words).
"""
# mypy: disable-error-code="method-assign, assignment, attr-defined, call-arg, arg-type, index, union-attr, misc"

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from moto.sns.exceptions import InvalidParameterValue
from moto.sns.models import SNSBackend, Subscription

if TYPE_CHECKING:
    from local.aws.server import AwsServer

SUBJECT = re.compile(r"[!-~][ -~]{0,98}")
MAXIMUM_MESSAGE_BYTES = 262_144


def install(_server: AwsServer) -> None:
    publish = SNSBackend.publish

    def checked(self: Any, message: str, arn: str | None, phone_number: str | None = None, **options: Any) -> str:
        if phone_number is None:
            _check(message, **options)
        return publish(self, message, arn, phone_number, **options)

    def of_protocol(self: Any, message: str, protocol: str) -> str:
        structured = json.loads(message)
        found = structured.get(protocol)
        return found if isinstance(found, str) else structured["default"]

    SNSBackend.publish = checked
    Subscription._parse_message_structure = of_protocol


def _check(
    message: str,
    subject: str | None = None,
    message_attributes: Mapping[str, Mapping[str, Any]] | None = None,
    message_structure: str | None = None,
    **_: Any,
) -> None:
    if subject is not None and not SUBJECT.fullmatch(subject):
        raise InvalidParameterValue("Invalid parameter: Subject")
    attributes = (f"{name}{each['Type']}{each['Value']}" for name, each in (message_attributes or {}).items())
    if len((message + "".join(attributes)).encode()) > MAXIMUM_MESSAGE_BYTES:
        raise InvalidParameterValue("Invalid parameter: Message too long")
    if message_structure != "json":
        return
    try:
        structured = json.loads(message, object_pairs_hook=_without_duplicates)
    except ValueError:
        raise InvalidParameterValue(
            "Invalid parameter: Message Structure - JSON message body failed to parse"
        ) from None
    if not isinstance(structured, dict) or not isinstance(structured.get("default"), str):
        raise InvalidParameterValue("Invalid parameter: Message Structure - No default entry in JSON message body")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("duplicate keys")
    return found
