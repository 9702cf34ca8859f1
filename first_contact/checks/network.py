"""Zones, and calls that only say whether they would have been made."""

import functools
from collections.abc import Iterator
from typing import Any

from first_contact.check import Check, Question
from first_contact.contact import NO_RIGHT, Contact
from first_contact.verdicts import CannotBeAsked, Refuted

NEEDED_ZONES = 3
WITHOUT_FARGATE = ("use1-az3", "usw1-az2", "cac1-az3", "apne1-az3", "cnn1-az4")
WOULD_HAVE = "DryRunOperation"
DRY_RUNS: dict[str, dict[str, Any]] = {
    "CreateVpc": {"CidrBlock": "192.168.0.0/16"},
    "CreateInternetGateway": {},
    "AllocateAddress": {"Domain": "vpc"},
}


def _zones(contact: Contact) -> Iterator[Question]:
    yield Question("", functools.partial(_enough_zones, contact))


def _enough_zones(contact: Contact) -> str:
    """Source of the zones without Fargate: EKS user guide, networking requirements; ECS developer guide, regions."""
    answer = contact.ask(
        "ec2",
        "DescribeAvailabilityZones",
        "in how many zones a network can lie",
        Filters=[{"Name": "zone-type", "Values": ["availability-zone"]}],
    )
    available = [zone["ZoneId"] for zone in answer["AvailabilityZones"] if zone["State"] == "available"]
    usable = sorted(zone for zone in available if zone not in WITHOUT_FARGATE)
    if len(usable) < NEEDED_ZONES:
        raise Refuted(f"{', '.join(usable) or 'no zone'} can be used, and the default network has {NEEDED_ZONES}")
    return ", ".join(usable)


def _dry_runs(contact: Contact) -> Iterator[Question]:
    for operation, parameters in DRY_RUNS.items():
        yield Question(operation, functools.partial(_would_have, contact, operation, parameters))


def _would_have(contact: Contact, operation: str, parameters: dict[str, Any]) -> str:
    purpose = "whether it would be done; a dry run, so it is not"
    code, message = contact.refusal("ec2", operation, purpose, DryRun=True, **parameters)
    if code in NO_RIGHT:
        raise CannotBeAsked(f"no right for ec2:{operation}")
    if code != WOULD_HAVE:
        raise Refuted(f"{code or 'not refused at all'}: {message}")
    return code


def _file_system_ids(contact: Contact) -> Iterator[Question]:
    yield Question("", functools.partial(_long, contact))


def _long(contact: Contact) -> str:
    answer = contact.ask("efs", "DescribeAccountPreferences", "in which form EFS gives ids")
    form = answer["ResourceIdPreference"]["ResourceIdType"]
    if form != "LONG_ID":
        raise Refuted(f"EFS gives ids of the form {form}")
    return str(form)


CHECKS = (
    Check("zones", "There are enough zones with EKS on Fargate for the default network.", _zones),
    Check("dry-runs", "EC2 would make the parts of a network for whoever asks.", _dry_runs, tuple(DRY_RUNS)),
    Check("file-system-ids", "EFS gives ids of 17 digits.", _file_system_ids),
)
