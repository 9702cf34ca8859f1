"""The network's stack on its way out: last of all, when nothing lives in the network any more."""

from typing import TYPE_CHECKING

from provisioner.errors import ErrorReason, TerminalError
from provisioner.observation import Observation, Reason
from provisioner.request import OWNER_TAG, Request
from provisioner.resources import interfaces
from provisioner.resources.network_stack import find, latest_token, outputs_of
from provisioner.resources.ownership import require_ours, unknown_state

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef
    from mypy_boto3_ec2 import EC2Client

POLL_SECONDS = 15


def remove(request: Request, run: str, ec2: "EC2Client", cloudformation: "CloudFormationClient") -> Observation:
    """Converge to no stack. It is deleted when no network interface but its own NAT gateways' is left in the VPC.

    Interfaces of pods and control planes go minutes after their owners; a stack that meets one fails, half removed.
    Idempotency key: ClientRequestToken, from the request and the `run`: a stack that this run could not delete ends
    it, one that an earlier run could not delete is deleted again.
    Raises: TerminalError OWNED_BY_ANOTHER, PROTECTED, UNUSABLE (DELETE_FAILED: what is left, and why).
    Source: CloudFormation API, DeleteStack, StackStatus, StackEvent.
    """
    stack = find(request, cloudformation)
    if stack is None:
        return Observation.ready_with()
    require_ours(request, {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}, stack["StackName"])
    match stack["StackStatus"]:
        case "DELETE_IN_PROGRESS" | "DELETE_COMPLETE":
            return _pending(Reason.DELETING)
        case "CREATE_IN_PROGRESS" | "ROLLBACK_IN_PROGRESS" | "IMPORT_IN_PROGRESS" | "IMPORT_ROLLBACK_IN_PROGRESS":
            return _pending(Reason.CREATING)
        case "UPDATE_IN_PROGRESS" | "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS":
            return _pending(Reason.UPDATING)
        case "UPDATE_ROLLBACK_IN_PROGRESS" | "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS":
            return _pending(Reason.UPDATING)
        case "DELETE_FAILED":
            return _delete_again(request, run, stack, ec2, cloudformation)
        case "CREATE_COMPLETE" | "CREATE_FAILED" | "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "REVIEW_IN_PROGRESS":
            return _delete(request, run, stack, ec2, cloudformation)
        case "UPDATE_COMPLETE" | "UPDATE_FAILED" | "UPDATE_ROLLBACK_COMPLETE" | "UPDATE_ROLLBACK_FAILED":
            return _delete(request, run, stack, ec2, cloudformation)
        case "IMPORT_COMPLETE" | "IMPORT_ROLLBACK_COMPLETE" | "IMPORT_ROLLBACK_FAILED":
            return _delete(request, run, stack, ec2, cloudformation)
        case unknown:
            raise unknown_state(stack["StackName"], unknown)


def left_over(stack: "StackTypeDef", cloudformation: "CloudFormationClient") -> list[str]:
    """`Vpc vpc-… : reason` of every resource that the latest deletion could not remove, the first to fail first."""
    failed: list[str] = []
    pages = cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack["StackName"])
    for event in (event for page in pages for event in page["StackEvents"]):  # newest first
        about_stack = event.get("PhysicalResourceId") == event.get("StackId")
        if about_stack and event.get("ResourceStatus") == "DELETE_IN_PROGRESS":
            break
        if event.get("ResourceStatus") == "DELETE_FAILED" and not about_stack:
            named = f"{event.get('LogicalResourceId')} {event.get('PhysicalResourceId')}"
            failed.append(f"{named}: {event.get('ResourceStatusReason', 'no reason given')}")
    return failed[::-1]


def _delete_again(
    request: Request, run: str, stack: "StackTypeDef", ec2: "EC2Client", cloudformation: "CloudFormationClient"
) -> Observation:
    if latest_token(stack, cloudformation) != _token(request, run):
        return _delete(request, run, stack, ec2, cloudformation)
    reasons = "; ".join(left_over(stack, cloudformation)) or stack.get("StackStatusReason", "no reason given")
    raise TerminalError(
        ErrorReason.UNUSABLE,
        f"stack {stack['StackName']} is DELETE_FAILED: {reasons}",
        remedy="remove what holds these resources, then start again: the stack is deleted again",
    )


def _delete(
    request: Request, run: str, stack: "StackTypeDef", ec2: "EC2Client", cloudformation: "CloudFormationClient"
) -> Observation:
    if stack.get("EnableTerminationProtection"):
        raise TerminalError(
            ErrorReason.PROTECTED,
            f"stack {stack['StackName']} has termination protection",
            remedy="switch it off (aws cloudformation update-termination-protection), then start again",
        )
    vpc_id, _ = outputs_of(stack)
    if vpc_id and (inhabitants := _inhabitants(request, vpc_id, ec2)):
        return _pending(Reason.WAITING_FOR_NETWORK_INTERFACES, waiting_for=inhabitants)
    cloudformation.delete_stack(StackName=stack["StackName"], ClientRequestToken=_token(request, run))
    return _pending(Reason.DELETING)


def _inhabitants(request: Request, vpc_id: str, ec2: "EC2Client") -> list[str]:
    """Interfaces that do not go with the stack, as those of its NAT gateways do."""
    gateways = ec2.describe_nat_gateways(
        Filters=[{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": f"tag:{OWNER_TAG}", "Values": [request.cluster.name]}]
    )["NatGateways"]
    own = {each.get("NetworkInterfaceId") for gateway in gateways for each in gateway.get("NatGatewayAddresses", [])}
    found = interfaces.find("vpc-id", vpc_id, ec2)
    return [interfaces.described(each) for each in found if each["NetworkInterfaceId"] not in own]


def _token(request: Request, run: str) -> str:
    return request.idempotency_token(f"remove network {run}")


def _pending(reason: Reason, **facts: list[str]) -> Observation:
    return Observation.pending(reason, retry_after_seconds=POLL_SECONDS, **facts)
