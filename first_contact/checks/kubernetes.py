"""What EKS offers: versions, the add-on, access policies."""

import functools
import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from jsonschema import Draft7Validator

from first_contact.check import Check, Question
from first_contact.contact import Contact
from first_contact.verdicts import Refuted

RELIED_ON = "1.37"
ADDON = "coredns"
CONFIGURATION = {"computeType": "Fargate"}
ACCESS_POLICIES = ("AmazonEKSClusterAdminPolicy", "AmazonEKSAdminViewPolicy")


def _versions(contact: Contact) -> Iterator[Question]:
    offered = contact.every("eks", "DescribeClusterVersions", "clusterVersions", "which versions EKS offers")
    yield Question("default", functools.partial(_default, offered))
    yield Question("support", functools.partial(_support, offered))
    yield Question(RELIED_ON, functools.partial(_among, RELIED_ON, [each["clusterVersion"] for each in offered]))


def _default(offered: Sequence[dict[str, Any]]) -> str:
    found = [each for each in offered if each["defaultVersion"]]
    if [each["versionStatus"] for each in found] != ["STANDARD_SUPPORT"]:
        raise Refuted(f"the default version is {[each['clusterVersion'] for each in found]}")
    return str(found[0]["clusterVersion"])


def _support(offered: Sequence[dict[str, Any]]) -> str:
    """What the fleet's check tells people, and a new cluster's upgrade policy, go by it."""
    dated = [each for each in offered if {"endOfStandardSupportDate", "versionStatus"} <= each.keys()]
    if len(dated) < len(offered):
        raise Refuted(f"{len(offered) - len(dated)} of {len(offered)} versions have no status or no end of support")
    return ", ".join(f"{each['clusterVersion']} {each['endOfStandardSupportDate']:%Y-%m-%d}" for each in dated)


def _among(name: str, names: Collection[str]) -> str:
    if name not in names:
        raise Refuted(f"EKS offers {', '.join(sorted(names))}")
    return "offered"


def _addon(contact: Contact) -> Iterator[Question]:
    yield Question("", functools.partial(_taken, contact))


def _taken(contact: Contact) -> str:
    """By the schema that EKS itself checks the configuration with."""
    offered = contact.ask("eks", "DescribeAddonVersions", f"which versions of {ADDON} there are", addonName=ADDON)
    versions = [each["addonVersion"] for addon in offered["addons"] for each in addon["addonVersions"]]
    if not versions:
        raise Refuted(f"EKS has no version of {ADDON}")
    purpose = f"whether {ADDON} takes {json.dumps(CONFIGURATION)}"
    answer = contact.ask("eks", "DescribeAddonConfiguration", purpose, addonName=ADDON, addonVersion=versions[0])
    schema = json.loads(answer["configurationSchema"])
    wrong = [problem.message for problem in Draft7Validator(schema).iter_errors(CONFIGURATION)]
    if wrong:
        raise Refuted(f"{ADDON} {versions[0]}: {'; '.join(wrong)}"[:500])
    return f"{ADDON} {versions[0]}"


def _access_policies(contact: Contact) -> Iterator[Question]:
    offered = contact.every("eks", "ListAccessPolicies", "accessPolicies", "which access policies there are")
    for policy in ACCESS_POLICIES:
        yield Question(policy, functools.partial(_among, policy, [each["name"] for each in offered]))


CHECKS = (
    Check(
        "kubernetes-versions", "EKS offers the versions that we rely on.", _versions, ("default", "support", RELIED_ON)
    ),
    Check("coredns-addon", "The add-on takes the configuration that runs it on Fargate.", _addon),
    Check("access-policies", "EKS has the access policies that we associate.", _access_policies, ACCESS_POLICIES),
)
