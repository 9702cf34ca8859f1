"""Executions of the app's machines, to their end."""

import json
import time
from collections.abc import Mapping
from typing import Any

from first_contact.contact import Contact, Ended


def run(contact: Contact, machine: str, request: Mapping[str, Any], purpose: str) -> Ended:
    """Starts it and waits. Raises: as Contact.ask."""
    arn = contact.outputs[f"{machine.title()}StateMachineArn"]
    started = contact.ask(
        "stepfunctions", "StartExecution", purpose, stateMachineArn=arn, input=json.dumps(dict(request))
    )["executionArn"]
    answer = contact.ask("stepfunctions", "DescribeExecution", "whether it has ended", executionArn=started)
    while answer["status"] == "RUNNING":
        time.sleep(contact.look_again_seconds)
        answer = contact.again("stepfunctions", "DescribeExecution", executionArn=started)
    output = json.loads(answer["output"]) if answer["status"] == "SUCCEEDED" else {}
    return Ended(started, answer["status"], output, f"{answer.get('error', '')} {answer.get('cause', '')}".strip())


def history(contact: Contact, ended: Ended) -> list[dict[str, Any]]:
    return contact.every(
        "stepfunctions", "GetExecutionHistory", "events", "what the run did, in order", executionArn=ended.arn
    )
