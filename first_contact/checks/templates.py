"""Templates, and the types of resources in them, as CloudFormation in this region takes them."""

import functools
import json
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import ClientError

from first_contact.check import Check, Question
from first_contact.contact import Contact
from first_contact.files import TEMPLATES, template
from first_contact.verdicts import CannotBeAsked, Refuted

LARGEST_INLINE_TEMPLATE_BYTES = 51_200
APP = "template.yaml"
SAM = "AWS::Serverless::"
FARGATE_PROFILE = "AWS::EKS::FargateProfile"
"""In no template, but every run makes one: where this type is not, there is no EKS on Fargate."""


def _templates(contact: Contact) -> Iterator[Question]:
    for path in TEMPLATES:
        yield Question(path, functools.partial(_valid, contact, path))


def _valid(contact: Contact, path: str) -> str:
    body = json.dumps(_without_words(template(path)), separators=(",", ":"))
    if len(body) > LARGEST_INLINE_TEMPLATE_BYTES:
        return _deployed(contact, path)
    answer = contact.ask("cloudformation", "ValidateTemplate", f"whether it takes {path}", TemplateBody=body)
    return f"{len(answer.get('Parameters', []))} parameters"


def _deployed(contact: Contact, path: str) -> str:
    """What ValidateTemplate takes from a bucket only was taken when the app was deployed. Raises: CannotBeAsked."""
    ours = template(path).get("Parameters", {}).keys()
    if path != APP:
        raise CannotBeAsked(f"{path} is larger than ValidateTemplate takes without a bucket")
    if missing := sorted(ours - contact.parameters.keys()):
        raise Refuted(f"the deployed app has no {', '.join(missing)}: it is of another version")
    return f"{len(ours)} parameters, taken when the app was deployed"


def _without_words(node: Any) -> Any:
    """What is there for people, line breaks of schemas too, takes a third of the room that a request has."""
    if isinstance(node, dict):
        kept = {key: each for key, each in node.items() if key != "Metadata" and not _is_description(key, each)}
        return {key: _in_one_line(each) if key == "Content" else _without_words(each) for key, each in kept.items()}
    return [_without_words(each) for each in node] if isinstance(node, list) else node


def _in_one_line(text: str) -> str:
    return json.dumps(json.loads(text), separators=(",", ":"))


def _is_description(key: str, value: Any) -> bool:
    return key == "Description" and isinstance(value, str)


def _types(contact: Contact) -> Iterator[Question]:
    used = {resource["Type"] for path in TEMPLATES for resource in template(path)["Resources"].values()}
    for name in sorted({each for each in used if not each.startswith(SAM)} | {FARGATE_PROFILE}):
        yield Question(name, functools.partial(_available, contact, name))


def _available(contact: Contact, name: str) -> str:
    purpose = f"whether {name} exists here"
    try:
        answer = contact.ask("cloudformation", "DescribeType", purpose, Type="RESOURCE", TypeName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] == "TypeNotFoundException":
            raise Refuted(f"{name} does not exist in {contact.region}") from error
        raise
    return str(answer["ProvisioningType"])


CHECKS = (
    Check("templates", "CloudFormation takes every template that we ship.", _templates, TEMPLATES),
    Check("resource-types", "Every type of resource that we use exists in this region.", _types, (FARGATE_PROFILE,)),
)
