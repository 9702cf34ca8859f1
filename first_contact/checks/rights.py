"""Whether our policies allow what the scenarios needed, by IAM's own simulator.

Before deployment: the roles of accounts/target.yaml, by their text. Afterwards: every role, as it is, with what the
organization's own policies say of it. Policies of resources are not asked: recorded is what the roles' own allow.
"""

import functools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from first_contact.check import Check, Question
from first_contact.checks.around import filled_in, surroundings
from first_contact.contact import Contact
from first_contact.files import recording, role_names, role_policies
from first_contact.verdicts import CannotBeAsked, Refuted

IN_TARGET_ACCOUNTS = ("ProvisionerRole", "InspectorRole")
NESTED = "TargetAccount."
QUEUE = "AWS::SQS::Queue"
"""Its physical id is its URL; its ARN has the name."""
Decisions = dict[tuple[str, str], str]
"""(action, resource) -> what was decided."""


def _questions(contact: Contact) -> Iterator[Question]:
    """Needs with the same resources and circumstances are asked about together, once."""
    needs: dict[tuple[str, str], list[tuple[dict[str, Any], Any]]] = defaultdict(list)
    for need in recording("needs"):
        simulated = functools.cache(functools.partial(_simulated, contact, need["role"], need))
        for action in need["actions"]:
            needs[need["role"], action].append((need, simulated))
    for (role, action), its in needs.items():
        yield Question(f"{role}/{action}", functools.partial(_allowed, contact, action, its))


def _allowed(contact: Contact, action: str, needs: Sequence[tuple[Mapping[str, Any], Any]]) -> str:
    for need, simulated in needs:
        decisions: Decisions = simulated()
        for resource in need["resources"]:
            here = _here(resource, contact)
            decision = decisions[action, here]
            if decision != "allowed":
                when = f" with {', '.join(need['context'])}" if need["context"] else ""
                raise Refuted(f"{decision}: {action} on {here}{when}")
    return f"allowed on {sum(len(need['resources']) for need, _ in needs)} resources"


def _simulated(contact: Contact, role: str, need: Mapping[str, Any]) -> Decisions:
    request: dict[str, Any] = {
        "ActionNames": need["actions"],
        "ResourceArns": [_here(each, contact) for each in need["resources"]],
        "ContextEntries": [_entry(key, value, contact) for key, value in need["context"].items()],
    }
    purpose = f"whether {role} may {', '.join(need['actions'])}"
    try:
        arn = _arn(contact, role)
    except CannotBeAsked:
        if role not in IN_TARGET_ACCOUNTS:
            raise
        texts = role_policies(role, surroundings(contact))
        answer = contact.ask("iam", "SimulateCustomPolicy", purpose, PolicyInputList=texts, **request)
    else:
        answer = contact.ask("iam", "SimulatePrincipalPolicy", purpose, PolicySourceArn=arn, **request)
    return dict(_decisions(answer["EvaluationResults"]))


def _decisions(results: Sequence[Mapping[str, Any]]) -> Iterator[tuple[tuple[str, str], str]]:
    """The simulator tells several resources below one of them."""
    for result in results:
        action = result["EvalActionName"]
        its = {each["EvalResourceName"]: each["EvalResourceDecision"] for each in result["ResourceSpecificResults"]}
        for resource, decision in (its or {result["EvalResourceName"]: result["EvalDecision"]}).items():
            forbidden = not result.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations", True)
            yield (action, resource), "denied by the organization's policies" if forbidden else decision


def _arn(contact: Contact, role: str) -> str:
    _, name = contact.resources.get(role) or contact.resources[f"{NESTED}{role}"]
    return f"arn:{contact.partition}:iam::{contact.account_id}:role/{name}"


def _here(resource: str, contact: Contact) -> str:
    """The resource in this account: {Logical} stands for what the stack made of it, by its physical id.

    Raises: CannotBeAsked before deployment, but for the roles of accounts/target.yaml, whose names are known.
    """
    text = filled_in(resource, contact)
    if "{" not in text:
        return text
    try:
        made = {
            name: physical.rsplit("/", 1)[-1] if kind == QUEUE else physical
            for name, (kind, physical) in contact.resources.items()
        }
    except CannotBeAsked:
        made = {f"{NESTED}{name}": role for name, role in role_names(surroundings(contact)).items()}
        if not any(f"{{{name}}}" in text for name in made):
            raise
    for name, physical in made.items():
        text = text.replace(f"{{{name}}}", physical)
    return text


def _entry(key: str, value: Any, contact: Contact) -> dict[str, Any]:
    values = [filled_in(each, contact) for each in (value if isinstance(value, list) else [value])]
    kind = "stringList" if isinstance(value, list) else "boolean" if value in ("true", "false") else "string"
    return {"ContextKeyName": key, "ContextKeyValues": values, "ContextKeyType": kind}


CHECKS = (Check("rights", "Every role may do what the scenarios needed of it.", _questions),)
