"""Every state that computes something, with the input that it had in a run on the embedded cloud.

TestState with a mocked result calls nobody and needs no role. A context object can be given only with a mock (Step
Functions API, TestState); other states get theirs as a variable, $context for $states.context.
"""

import functools
import json
from collections.abc import Iterator, Mapping
from typing import Any

from first_contact.check import Check, Question
from first_contact.checks.around import filled_in, surroundings
from first_contact.contact import Contact
from first_contact.files import MACHINES, definition, recording
from first_contact.verdicts import CannotBeAsked, Refuted

ASKED = ("Task", "Choice", "Wait", "Pass")
TIME = ("$millis()", "$now()")
"""What differs from one evaluation to the next."""


def asked_states(machine: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every state of the asked types, those of branches and maps too; names are unique within a machine."""
    for name, state in machine["States"].items():
        if state["Type"] in ASKED:
            yield name, {"QueryLanguage": "JSONata", **state}
        for inner in (*state.get("Branches", ()), *filter(None, (state.get("ItemProcessor"),))):
            yield from asked_states(inner)


def _questions(contact: Contact) -> Iterator[Question]:
    recorded = recording("states")
    for machine in MACHINES:
        for name, state in asked_states(definition(machine, surroundings(contact))):
            samples = recorded["states"].get(f"{machine}/{name}", [])
            if not samples:
                yield Question(f"{machine}/{name}", _unrecorded)
            for number, sample in enumerate(samples, 1):
                whole = with_values(sample, recorded["values"])
                ask = functools.partial(_evaluated, contact, name, state, whole)
                yield Question(f"{machine}/{name}" + (f" #{number}" if number > 1 else ""), ask)


def _unrecorded() -> str:
    raise CannotBeAsked("nothing is recorded of it: make recordings")


def _evaluated(contact: Contact, name: str, state: Mapping[str, Any], recorded: Mapping[str, Any]) -> str:
    sample = json.loads(filled_in(json.dumps(recorded), contact))
    variables, text = sample["variables"], json.dumps(state)
    request: dict[str, Any] = {}
    if state["Type"] == "Task":
        request["mock"] = {"result": json.dumps(sample["result"]), "fieldValidationMode": "NONE"}
        request["context"] = json.dumps(sample["context"])
    elif "$states.context" in text:
        text = text.replace("$states.context", "$context")
        variables = {**variables, "context": sample["context"]}
    answer = contact.ask(
        "stepfunctions",
        "TestState",
        f"what the state {name!r} makes of its recorded input",
        definition=text,
        input=json.dumps(sample["input"]),
        variables=json.dumps(variables),
        **request,
    )
    if answer["status"] != "SUCCEEDED":
        raise Refuted(f"{answer['status']}: {answer.get('error', '')} {answer.get('cause', '')}"[:500])
    if answer.get("nextState") != sample["next"]:
        raise Refuted(f"goes to {answer.get('nextState')}, where it went to {sample['next']}")
    if not any(each in text for each in TIME) and json.loads(answer["output"]) != sample["output"]:
        raise Refuted(f"its output is {answer['output']}"[:500])
    return f"next: {answer.get('nextState', 'the end')}"


def with_values(node: Any, values: Mapping[str, Any]) -> Any:
    """The node with what is kept once in its place: {"$value": key} stands for values[key]."""
    if isinstance(node, dict):
        if node.keys() == {"$value"}:
            return with_values(values[node["$value"]], values)
        return {key: with_values(item, values) for key, item in node.items()}
    return [with_values(item, values) for item in node] if isinstance(node, list) else node


CHECKS = (Check("states", "Every state makes of its input what it made of it on the embedded cloud.", _questions),)
