"""Whether there is room for one more of what a run makes, and whether limits are what we take them for."""

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from botocore.exceptions import ClientError

from first_contact.check import Check, Question
from first_contact.contact import Contact
from first_contact.verdicts import CannotBeAsked, Refuted


@dataclass(frozen=True)
class Quota:
    """`name` as Service Quotas has it; `used` counts what is there, `needed` is what one run adds."""

    item: str
    service: str
    name: str
    used: Callable[[Contact], int] | None = None
    needed: int = 1
    exactly: int | None = None


def _counted(service: str, operation: str, member: str) -> Callable[[Contact], int]:
    return lambda contact: len(contact.every(service, operation, member, "how many there are"))


def _addresses(contact: Contact) -> int:
    return len(contact.ask("ec2", "DescribeAddresses", "how many there are")["Addresses"])


QUOTAS = (
    Quota("vpcs", "vpc", "VPCs per Region", _counted("ec2", "DescribeVpcs", "Vpcs")),
    Quota("addresses", "ec2", "EC2-VPC Elastic IPs", _addresses),
    Quota("nat-gateways", "vpc", "NAT gateways per Availability Zone"),
    Quota("clusters", "eks", "Clusters", _counted("eks", "ListClusters", "clusters")),
    Quota("fargate-profiles", "eks", "Fargate profiles per cluster"),
    Quota("public-access-cidrs", "eks", "Public endpoint access CIDR ranges per cluster", exactly=40),
    Quota("fargate-vcpus", "fargate", "Fargate On-Demand vCPU resource count", needed=4),
    Quota(
        "file-systems",
        "elasticfilesystem",
        "File systems per account",
        _counted("efs", "DescribeFileSystems", "FileSystems"),
    ),
    Quota("concurrent-executions", "lambda", "Concurrent executions", needed=10),
)


def _questions(contact: Contact) -> Iterator[Question]:
    limits = functools.cache(functools.partial(_limits, contact))
    for quota in QUOTAS:
        yield Question(quota.item, functools.partial(_room, contact, quota, limits))


def _limits(contact: Contact, service: str) -> dict[str, int]:
    purpose = f"the quotas of {service}"
    try:
        every = contact.every("service-quotas", "ListServiceQuotas", "Quotas", purpose, ServiceCode=service)
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchResourceException":
            return {}
        raise
    return {each["QuotaName"]: int(each["Value"]) for each in every}


def _room(contact: Contact, quota: Quota, limits: Callable[[str], dict[str, int]]) -> str:
    limit = limits(quota.service).get(quota.name)
    if limit is None:
        raise CannotBeAsked(f"Service Quotas has no {quota.name!r} of {quota.service} here")
    if quota.exactly is not None and limit != quota.exactly:
        raise Refuted(f"{quota.name}: {limit}, where we rely on {quota.exactly}")
    used = quota.used(contact) if quota.used else 0
    if used + quota.needed > limit:
        raise Refuted(f"{quota.name}: {used} of {limit} are used, and a run needs {quota.needed}")
    return f"{used} of {limit} are used" if quota.used else f"{limit}"


CHECKS = (Check("quotas", "There is room for what a run makes.", _questions, tuple(quota.item for quota in QUOTAS)),)
