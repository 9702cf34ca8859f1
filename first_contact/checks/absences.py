"""How services say that something is not there: our functions go on from these answers."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from first_contact.check import Check, Question
from first_contact.contact import NO_RIGHT, Contact
from first_contact.verdicts import CannotBeAsked, Refuted

NOBODY = "eks-efs-provisioner-first-contact-nobody"


@dataclass(frozen=True)
class Absence:
    """`code` is what we rely on being told."""

    item: str
    service: str
    operation: str
    parameters: dict[str, Any]
    code: str


ABSENCES = (
    Absence("stack", "cloudformation", "DescribeStacks", {"StackName": NOBODY}, "ValidationError"),
    Absence(
        "vpc",
        "ec2",
        "DescribeVpcAttribute",
        {"VpcId": "vpc-0123456789abcdef0", "Attribute": "enableDnsSupport"},
        "InvalidVpcID.NotFound",
    ),
    Absence("cluster", "eks", "DescribeCluster", {"name": NOBODY}, "ResourceNotFoundException"),
    Absence(
        "file-system",
        "efs",
        "DescribeLifecycleConfiguration",
        {"FileSystemId": "fs-0123456789abcdef0"},
        "FileSystemNotFound",
    ),
    Absence(
        "mount-target",
        "efs",
        "DescribeMountTargetSecurityGroups",
        {"MountTargetId": "fsmt-0123456789abcdef0"},
        "MountTargetNotFound",
    ),
)


def _questions(contact: Contact) -> Iterator[Question]:
    role = {"RoleArn": f"arn:{contact.partition}:iam::{contact.account_id}:role/{NOBODY}", "RoleSessionName": "contact"}
    for absence in (*ABSENCES, Absence("role", "sts", "AssumeRole", role, "AccessDenied")):
        yield Question(absence.item, functools.partial(_told, contact, absence))


def _told(contact: Contact, absence: Absence) -> str:
    purpose = f"how it says that a {absence.item} is not there"
    code, message = contact.refusal(absence.service, absence.operation, purpose, **absence.parameters)
    if code in NO_RIGHT - {absence.code}:
        raise CannotBeAsked(f"no right for {absence.service}:{absence.operation}")
    if code != absence.code:
        raise Refuted(f"{code or 'not refused at all'}, where we rely on {absence.code}: {message}"[:300])
    return code


CHECKS = (
    Check(
        "absences",
        "Services say as documented that something is not there.",
        _questions,
        (*(absence.item for absence in ABSENCES), "role"),
    ),
)
