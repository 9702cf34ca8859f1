"""A CloudFormation stack of a cluster's network: made once, observed, and made anew where it never came to stand."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from provisioner.errors import ErrorReason, TerminalError
from provisioner.observation import Observation, Reason
from provisioner.request import Request
from provisioner.resources.ownership import require_ours, unknown_state

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.literals import StackStatusType
    from mypy_boto3_cloudformation.type_defs import StackEventTypeDef, StackTypeDef


@dataclass(frozen=True)
class WantedStack:
    """`what` it holds, as tokens name it; `template` is a file beside this one.

    `parameters` are asked for when it is to be made: they may want looking up. It is looked at `first_look_seconds`
    after that, and then every `poll_seconds`.
    """

    name: str
    what: str
    template: str
    parameters: Callable[[], Mapping[str, str]]
    first_look_seconds: int
    poll_seconds: int


def find(name: str, cloudformation: "CloudFormationClient") -> "StackTypeDef | None":
    """The stack, None when absent."""
    try:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except cloudformation.exceptions.ClientError as error:
        # DescribeStacks has no code of its own for absence, and a well-formed name leaves nothing else to validate.
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise
    return None if stack["StackStatus"] == "DELETE_COMPLETE" else stack


def ensure(
    request: Request, wanted: WantedStack, run: str, cloudformation: "CloudFormationClient"
) -> "StackTypeDef | Observation":
    """Converge one stack: itself once it stands, else what it is waited for.

    Idempotency key: the stack's name; ClientRequestToken, from the request and the `run`, for retries. A stack that
    failed in this run ends it: CloudFormation has rolled it back, so that it costs nothing. One that failed in an
    earlier run is removed, and made again.
    Raises: TerminalError OWNED_BY_ANOTHER, UNUSABLE (first failed resource and its reason).
    Source: CloudFormation API, CreateStack, StackStatus, StackEvent.
    """
    tokens = _Tokens.of(request, wanted, run)
    stack = find(wanted.name, cloudformation) or _create(request, wanted, tokens, cloudformation)
    if stack is None:
        return Observation.pending(Reason.CREATING, retry_after_seconds=wanted.first_look_seconds)
    require_ours(request, {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}, stack["StackName"])
    match stack["StackStatus"]:
        case "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE":
            return stack
        case "UPDATE_ROLLBACK_COMPLETE" | "IMPORT_ROLLBACK_COMPLETE":
            return stack  # it is as it was before somebody's update
        case "CREATE_IN_PROGRESS":
            return Observation.pending(Reason.CREATING, retry_after_seconds=wanted.poll_seconds)
        case "UPDATE_IN_PROGRESS" | "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS" | "UPDATE_ROLLBACK_IN_PROGRESS":
            return Observation.pending(Reason.UPDATING, retry_after_seconds=wanted.poll_seconds)
        case "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS" | "IMPORT_IN_PROGRESS" | "IMPORT_ROLLBACK_IN_PROGRESS":
            return Observation.pending(Reason.UPDATING, retry_after_seconds=wanted.poll_seconds)
        case "DELETE_IN_PROGRESS" | "DELETE_COMPLETE":
            return Observation.pending(Reason.DELETING, retry_after_seconds=wanted.poll_seconds)
        case "CREATE_FAILED" | "ROLLBACK_IN_PROGRESS" | "ROLLBACK_FAILED" | "ROLLBACK_COMPLETE" | "DELETE_FAILED":
            return _remove_what_is_left(stack, wanted, tokens, cloudformation)
        case "UPDATE_FAILED" | "UPDATE_ROLLBACK_FAILED" | "IMPORT_ROLLBACK_FAILED" | "REVIEW_IN_PROGRESS":
            raise _failed(stack, cloudformation, remedy="finish or roll back the change made to the stack, run again")
        case unknown:
            raise unknown_state(stack["StackName"], unknown)


@dataclass(frozen=True)
class _Tokens:
    """By which CloudFormation, and the next run, recognise what this run has asked for."""

    create: str
    delete: str

    @classmethod
    def of(cls, request: Request, wanted: WantedStack, run: str) -> "_Tokens":
        return cls(*(request.idempotency_token(f"{verb} {wanted.what} {run}") for verb in ("create", "delete")))


def _create(
    request: Request, wanted: WantedStack, tokens: _Tokens, cloudformation: "CloudFormationClient"
) -> "StackTypeDef | None":
    """None after a creation; the stack when another run created it meanwhile."""
    parameters = wanted.parameters()
    try:
        cloudformation.create_stack(
            StackName=wanted.name,
            TemplateBody=files("provisioner.resources").joinpath(wanted.template).read_text(encoding="utf-8"),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Tags=[{"Key": key, "Value": value} for key, value in request.owner_tags.items()],
            ClientRequestToken=tokens.create,
        )
    except (
        cloudformation.exceptions.AlreadyExistsException,
        cloudformation.exceptions.TokenAlreadyExistsException,
    ):
        return find(wanted.name, cloudformation)
    return None


def _remove_what_is_left(
    stack: "StackTypeDef", wanted: WantedStack, tokens: _Tokens, cloudformation: "CloudFormationClient"
) -> Observation:
    """Only of what never stood, so that nothing can live by it: such a stack has no outputs.

    Raises: TerminalError UNUSABLE when this run's creation or removal failed; when one that stood could not be deleted.
    """
    if stack.get("Outputs"):
        raise _failed(stack, cloudformation, remedy="remove what holds the resource, delete the stack, run again")
    if latest_token(stack, cloudformation) in (tokens.create, tokens.delete):
        raise _failed(stack, cloudformation, remedy="remove the cause and run again: the stack is made anew")
    if stack["StackStatus"] != "ROLLBACK_IN_PROGRESS":
        cloudformation.delete_stack(StackName=stack["StackName"], ClientRequestToken=tokens.delete)
    return Observation.pending(Reason.DELETING, retry_after_seconds=wanted.poll_seconds)


def latest_token(stack: "StackTypeDef", cloudformation: "CloudFormationClient") -> str | None:
    """Of the latest operation on the stack: all of its events have it."""
    latest = next(events_of(stack, cloudformation), None)
    return latest.get("ClientRequestToken") if latest else None


def events_of(stack: "StackTypeDef", cloudformation: "CloudFormationClient") -> Iterator["StackEventTypeDef"]:
    """The newest first; also of a stack that has gone since it was found.

    Source: CloudFormation API, DescribeStackEvents, StackName: a deleted stack is known by its id alone.
    """
    for page in cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack["StackId"]):
        yield from page["StackEvents"]


def is_complete(status: "StackStatusType") -> bool:
    """Also after a rollback of somebody's update: all is then as it was before."""
    return status.endswith("_COMPLETE") and status not in ("ROLLBACK_COMPLETE", "DELETE_COMPLETE")


def parameters_of(stack: "StackTypeDef") -> dict[str, str]:
    """Those that it was made, or updated, with."""
    return {item["ParameterKey"]: item["ParameterValue"] for item in stack.get("Parameters", [])}


def outputs_of(stack: "StackTypeDef") -> dict[str, str]:
    """None before it is complete."""
    return {item["OutputKey"]: item["OutputValue"] for item in stack.get("Outputs", [])}


def immutable(stack: "StackTypeDef", changed: Mapping[str, tuple[str, str | None]]) -> TerminalError:
    """`changed`: what, by its field -> (asked for, actual)."""
    differences = ", ".join(f"{key} is {actual}, asked for {asked}" for key, (asked, actual) in changed.items())
    return TerminalError(
        ErrorReason.IMMUTABLE,
        f"stack {stack['StackName']}: {differences}",
        remedy="ask for the network as it is, update the stack by hand, or choose another cluster name",
    )


def _failed(stack: "StackTypeDef", cloudformation: "CloudFormationClient", *, remedy: str) -> TerminalError:
    cause = first_failure(stack, cloudformation) or stack.get("StackStatusReason", "no reason given")
    return TerminalError(
        ErrorReason.UNUSABLE, f"stack {stack['StackName']} is {stack['StackStatus']}: {cause}", remedy=remedy
    )


def first_failure(stack: "StackTypeDef", cloudformation: "CloudFormationClient") -> str | None:
    """The earliest failure of the latest operation, and the earliest of its roll-back: others are consequences."""
    failed = left_over = None
    for event in events_of(stack, cloudformation):
        status = event.get("ResourceStatus", "")
        about_stack = event.get("PhysicalResourceId") == event.get("StackId")
        told = f"{event.get('LogicalResourceId')} {status}: {event.get('ResourceStatusReason', 'no reason given')}"
        if about_stack and status in {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"}:
            break
        if status == "DELETE_FAILED" and not about_stack:
            left_over = told
        elif status.endswith("_FAILED") and not about_stack:
            failed = told
    return "; ".join(filter(None, (failed, left_over))) or None
