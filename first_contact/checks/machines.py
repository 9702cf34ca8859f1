"""State machines as Step Functions takes them, before one is made."""

import functools
import json
from collections.abc import Iterator

from first_contact.check import Check, Question
from first_contact.checks.around import surroundings
from first_contact.contact import Contact
from first_contact.files import MACHINES, definition
from first_contact.verdicts import Refuted

UNCATCHABLE = ("States.DataLimitExceeded", "States.Runtime")
CATCHES_ALL = {
    "Type": "Task",
    "QueryLanguage": "JSONata",
    "Resource": "arn:aws:states:::lambda:invoke",
    "Arguments": {"FunctionName": "any"},
    "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}],
    "End": True,
}


def _machines(contact: Contact) -> Iterator[Question]:
    for machine in MACHINES:
        yield Question(machine, functools.partial(_valid, contact, machine))


def _valid(contact: Contact, machine: str) -> str:
    answer = contact.ask(
        "stepfunctions",
        "ValidateStateMachineDefinition",
        f"whether it takes the machine {machine}",
        definition=json.dumps(definition(machine, surroundings(contact)), separators=(",", ":")),
        type="STANDARD",
        severity="ERROR",
    )
    if answer["result"] != "OK":
        found = [f"{each['code']} at {each.get('location', '?')}: {each['message']}" for each in answer["diagnostics"]]
        raise Refuted("; ".join(found[:3]))
    return "OK"


def _catch_all(contact: Contact) -> Iterator[Question]:
    for name in UNCATCHABLE:
        yield Question(name, functools.partial(_uncaught, contact, name))


def _uncaught(contact: Contact, error: str) -> str:
    answer = contact.ask(
        "stepfunctions",
        "TestState",
        f"whether States.ALL catches {error}",
        definition=json.dumps(CATCHES_ALL),
        input="{}",
        mock={"errorOutput": {"error": error, "cause": "asked by first contact"}, "fieldValidationMode": "NONE"},
    )
    if answer["status"] == "CAUGHT_ERROR":
        raise Refuted(f"States.ALL caught {error}: the machine goes on in {answer.get('nextState')}")
    return f"the state is {answer['status']}"


CHECKS = (
    Check("machines", "Step Functions takes the definitions of our machines.", _machines, MACHINES),
    Check("catch-all", "States.ALL leaves alone what our machines do not expect it to catch.", _catch_all, UNCATCHABLE),
)
