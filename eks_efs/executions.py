"""Executions of the stack's state machines: started, found again, and what they say of a failure."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from eks_efs.endings import WrongInput
from eks_efs.stack import Stack

MACHINES: Final = ("Provision", "Reverify", "Teardown", "Fleet")
Described = Mapping[str, Any]
"""DescribeExecution's answer."""


def start(stack: Stack, machine: str, asked: Mapping[str, Any], name: str) -> str:
    """The execution's ARN."""
    started = stack.client("stepfunctions").start_execution(
        stateMachineArn=_machine_arn(stack, machine), name=name, input=json.dumps(dict(asked))
    )
    return str(started["executionArn"])


def describe(stack: Stack, execution_arn: str) -> Described:
    described: Described = stack.client("stepfunctions").describe_execution(executionArn=execution_arn)
    return described


def find(stack: Stack, named: str | None) -> str:
    """The ARN of the execution that is named, by name or ARN; by nothing, the latest one, running ones first.

    Raises: WrongInput when there is none.
    """
    if named is None:
        return _latest(stack)
    client = stack.client("stepfunctions")
    machines = [_machine_arn(stack, machine) for machine in MACHINES]
    arns = [f"{arn.replace(':stateMachine:', ':execution:')}:{named.rsplit(':', 1)[-1]}" for arn in machines]
    for arn in arns if ":" not in named else [arn for arn in arns if arn == named]:
        try:
            return str(client.describe_execution(executionArn=arn)["executionArn"])
        except (client.exceptions.ExecutionDoesNotExist, client.exceptions.InvalidArn, client.exceptions.InvalidName):
            continue
    raise WrongInput(f"no execution of stack {stack.name} is named {named!r}: give its name or ARN, or leave it out")


def ended_well(stack: Stack, machine: str, at_most: int) -> Iterator[str]:
    """Their ARNs, the newest first. Source: Step Functions API, ListExecutions."""
    listed = stack.client("stepfunctions").list_executions(
        stateMachineArn=_machine_arn(stack, machine), statusFilter="SUCCEEDED", maxResults=at_most
    )
    yield from (execution["executionArn"] for execution in listed["executions"])


def failure_of(stack: Stack, execution_arn: str) -> dict[str, Any] | None:
    """The detail of the event that a failed execution published; None when it could not.

    It is read where it was handed to EventBridge: in the history, which keeps it for 90 days.
    Source: Step Functions API, GetExecutionHistory, TaskScheduledEventDetails.parameters.
    """
    for event in _latest_events_first(stack, execution_arn):
        scheduled = event.get("taskScheduledEventDetails") or {}
        if scheduled.get("resourceType") != "events":
            continue
        entry = json.loads(scheduled["parameters"])["Entries"][0]
        if entry["DetailType"] == "Storage Cluster Failed":
            detail = entry["Detail"]
            found: dict[str, Any] = json.loads(detail) if isinstance(detail, str) else detail
            return found
    return None


def _latest(stack: Stack) -> str:
    client = stack.client("stepfunctions")
    found = [
        execution
        for machine in MACHINES
        for execution in client.list_executions(stateMachineArn=_machine_arn(stack, machine), maxResults=10)[
            "executions"
        ]
    ]
    if not found:
        raise WrongInput(f"nothing was ever started in stack {stack.name}: eks-efs provision does")
    latest = max(found, key=lambda execution: (execution["status"] == "RUNNING", execution["startDate"]))
    return str(latest["executionArn"])


def _latest_events_first(stack: Stack, execution_arn: str) -> Iterator[Mapping[str, Any]]:
    pages = (
        stack.client("stepfunctions")
        .get_paginator("get_execution_history")
        .paginate(executionArn=execution_arn, reverseOrder=True, includeExecutionData=True)
    )
    for page in pages:
        yield from page["events"]


def _machine_arn(stack: Stack, machine: str) -> str:
    return stack.outputs[f"{machine}StateMachineArn"]
