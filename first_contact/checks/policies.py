"""Policies as IAM Access Analyzer judges them."""

import functools
import json
from collections.abc import Iterator
from typing import Any

from first_contact.check import Check, Question
from first_contact.checks.around import surroundings
from first_contact.contact import Contact
from first_contact.files import Policy, policies
from first_contact.verdicts import Refuted

REFUTING = ("ERROR", "SECURITY_WARNING")


def _questions(contact: Contact) -> Iterator[Question]:
    for policy in policies(surroundings(contact)):
        yield Question(policy.name, functools.partial(_valid, contact, policy))


def _valid(contact: Contact, policy: Policy) -> str:
    options: dict[str, Any] = {"validatePolicyResourceType": policy.resource} if policy.resource else {}
    answer = contact.ask(
        "accessanalyzer",
        "ValidatePolicy",
        f"what is wrong with the policy {policy.name}",
        policyDocument=json.dumps(policy.document),
        policyType=policy.kind,
        **options,
    )
    wrong = [each for each in answer["findings"] if each["findingType"] in REFUTING]
    if wrong:
        raise Refuted("; ".join(f"{each['issueCode']}: {each['findingDetails']}" for each in wrong[:3]))
    return ", ".join(sorted({each["issueCode"] for each in answer["findings"]})) or "no finding"


CHECKS = (Check("policies", "Access Analyzer finds no mistake in the policies that we ship.", _questions),)
