"""Whether the roles of the target account let the app in, and nobody without the ExternalId."""

import functools
from collections.abc import Iterator, Mapping
from typing import Any

from first_contact.check import Check, Question
from first_contact.contact import Contact
from first_contact.verdicts import CannotBeAsked, Refuted

ROLES = ("provisioner", "inspector", "remover")
ELSEWHERE = ("us-east-1", "eu-west-1")
"""A region for a session of another one to be used in: the first that is not its own."""


def _questions(contact: Contact) -> Iterator[Question]:
    external_id = contact.parameters["ExternalId"]
    for role in ROLES:
        yield Question(role, functools.partial(_assumed, contact, role, external_id))
    yield Question("without-external-id", functools.partial(_kept_out, contact))
    yield Question("session-elsewhere", functools.partial(_elsewhere, contact, external_id))


def _assumed(contact: Contact, role: str, external_id: str) -> str:
    """Who may become one role and not another has the right to ask: it is the role that does not let the app in."""
    try:
        _session(contact, role, external_id)
    except CannotBeAsked as denied:
        other = next(each for each in ROLES if each != role)
        _session(contact, other, external_id)
        raise Refuted(f"the {role} lets nobody in, as the {other} does") from denied
    return "assumed"


def _session(contact: Contact, role: str, external_id: str) -> Mapping[str, str]:
    purpose = f"whether the {role} lets the app in"
    parameters = {"RoleSessionName": "first-contact", "ExternalId": external_id}
    answer = contact.ask("sts", "AssumeRole", purpose, RoleArn=_arn(contact, role), **parameters)
    credentials: Mapping[str, str] = answer["Credentials"]
    return credentials


def _kept_out(contact: Contact) -> str:
    """The same denial for all of them, so that nothing is learnt from it."""
    for role in ROLES:
        parameters: dict[str, Any] = {"RoleArn": _arn(contact, role), "RoleSessionName": "first-contact"}
        code, _ = contact.refusal("sts", "AssumeRole", f"whether the {role} asks for the ExternalId", **parameters)
        if code != "AccessDenied":
            raise Refuted(f"the {role} without the ExternalId: {code or 'was assumed'}")
    return "AccessDenied"


def _elsewhere(contact: Contact, external_id: str) -> str:
    region = next(each for each in ELSEWHERE if each != contact.region)
    inspector = contact.as_role(_session(contact, "inspector", external_id))
    zones = inspector.ask("ec2", "DescribeAvailabilityZones", "whether a session is valid elsewhere", region=region)
    return f"{len(zones['AvailabilityZones'])} zones of {region}"


def _arn(contact: Contact, role: str) -> str:
    name = f"{contact.parameters['RolePath']}{contact.parameters['RolePrefix']}-{role}"
    return f"arn:{contact.partition}:iam::{contact.account_id}:role{name}"


CHECKS = (
    Check(
        "roles",
        "The roles of this account let the app in, and nobody without the ExternalId.",
        _questions,
        (*ROLES, "without-external-id", "session-elsewhere"),
    ),
)
