"""The network's stacks on their way out: last of all, when nothing lives in the network any more.

First the one with what leads out: in networks of before, its NAT gateways keep the other's internet gateway from being
detached.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from provisioner.errors import ErrorReason, TerminalError
from provisioner.observation import Observation, Reason
from provisioner.request import OWNER_TAG, Request
from provisioner.resources import interfaces, nat_stack, network_stack
from provisioner.resources.ownership import require_ours, unknown_state
from provisioner.resources.stack import events_of, latest_token

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import NetworkInterfaceTypeDef

POLL_SECONDS = 15
# A NAT gateway takes a minute at least.
FIRST_LOOK_SECONDS = 45
FIRST_LOOK_SECONDS_WITHOUT_NAT = 5
LATE_POLL_SECONDS = 2


def remove(
    request: Request,
    run: str,
    ec2: "EC2Client",
    cloudformation: "CloudFormationClient",
    *,
    is_cluster_gone: bool,
    but: Collection[str | None] = (),
) -> Observation:
    """Converge to no stacks but those of the ids `but`. They are deleted when no network interface is left in the VPC
    but its own NAT gateways', and those of a control plane that is gone, which go within minutes of it: CloudFormation
    tries subnets for as long.

    Others' are waited for: a stack that meets one fails, half removed. When it fails early it waits for all of them.
    Idempotency key: ClientRequestToken, from the request and the `run`: a stack that this run could not delete ends
    it, one that an earlier run could not delete is deleted again.
    Raises: TerminalError OWNED_BY_ANOTHER, PROTECTED, UNUSABLE (DELETE_FAILED: what is left, and why).
    Source: CloudFormation API, DeleteStack, StackStatus, StackEvent.
    """
    nat, around = nat_stack.find(request, cloudformation), network_stack.find(request, cloudformation)
    goes = around is not None and around.get("StackId") not in but
    vpc_id = network_stack.outputs_of(around)[0] if around and goes else ""
    if nat is not None and nat.get("StackId") not in but:
        deletion = _Deletion(request, run, "nat", nat, vpc_id, ec2, cloudformation)
    elif around is not None and goes:
        deletion = _Deletion(request, run, "network", around, vpc_id, ec2, cloudformation)
    else:
        return Observation.ready_with()
    return _removed(deletion, is_cluster_gone=is_cluster_gone)


def _removed(deletion: "_Deletion", *, is_cluster_gone: bool) -> Observation:
    request, stack = deletion.request, deletion.stack
    require_ours(request, {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}, stack["StackName"])
    match stack["StackStatus"]:
        case "DELETE_IN_PROGRESS" | "DELETE_COMPLETE":
            return _pending(Reason.DELETING, [stack["StackName"]], LATE_POLL_SECONDS)
        case "CREATE_IN_PROGRESS" | "ROLLBACK_IN_PROGRESS" | "IMPORT_IN_PROGRESS" | "IMPORT_ROLLBACK_IN_PROGRESS":
            return _pending(Reason.CREATING, [stack["StackName"]])
        case "UPDATE_IN_PROGRESS" | "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS":
            return _pending(Reason.UPDATING, [stack["StackName"]])
        case "UPDATE_ROLLBACK_IN_PROGRESS" | "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS":
            return _pending(Reason.UPDATING, [stack["StackName"]])
        case "DELETE_FAILED":
            return deletion.again(is_cluster_gone)
        case "CREATE_COMPLETE" | "CREATE_FAILED" | "ROLLBACK_COMPLETE" | "ROLLBACK_FAILED" | "REVIEW_IN_PROGRESS":
            return deletion.begin(is_early=is_cluster_gone)
        case "UPDATE_COMPLETE" | "UPDATE_FAILED" | "UPDATE_ROLLBACK_COMPLETE" | "UPDATE_ROLLBACK_FAILED":
            return deletion.begin(is_early=is_cluster_gone)
        case "IMPORT_COMPLETE" | "IMPORT_ROLLBACK_COMPLETE" | "IMPORT_ROLLBACK_FAILED":
            return deletion.begin(is_early=is_cluster_gone)
        case unknown:
            raise unknown_state(stack["StackName"], unknown)


def left_over(stack: "StackTypeDef", cloudformation: "CloudFormationClient") -> list[str]:
    """`Vpc vpc-… : reason` of every resource that the latest deletion could not remove, the first to fail first."""
    failed: list[str] = []
    for event in events_of(stack, cloudformation):
        about_stack = event.get("PhysicalResourceId") == event.get("StackId")
        if about_stack and event.get("ResourceStatus") == "DELETE_IN_PROGRESS":
            break
        if event.get("ResourceStatus") == "DELETE_FAILED" and not about_stack:
            named = f"{event.get('LogicalResourceId')} {event.get('PhysicalResourceId')}"
            failed.append(f"{named}: {event.get('ResourceStatusReason', 'no reason given')}")
    return failed[::-1]


@dataclass(frozen=True)
class _Deletion:
    """`vpc_id`: of the network that goes; empty where none does, so that nothing is to have left it."""

    request: Request
    run: str
    what: str
    stack: "StackTypeDef"
    vpc_id: str
    ec2: "EC2Client"
    cloudformation: "CloudFormationClient"

    def again(self, is_cluster_gone: bool) -> Observation:
        """After a deletion that has failed: this run's own is final, unless it was begun early."""
        latest = latest_token(self.stack, self.cloudformation)
        if latest != self._token():
            return self.begin(is_early=is_cluster_gone and latest != self._token("early"))
        reasons = "; ".join(left_over(self.stack, self.cloudformation))
        raise TerminalError(
            ErrorReason.UNUSABLE,
            f"stack {self.stack['StackName']} is DELETE_FAILED: "
            + (reasons or self.stack.get("StackStatusReason", "no reason given")),
            remedy="remove what holds these resources, then start again: the stack is deleted again",
        )

    def begin(self, *, is_early: bool) -> Observation:
        """`is_early`: while interfaces of the cluster's control plane are still there."""
        if self.stack.get("EnableTerminationProtection"):
            raise TerminalError(
                ErrorReason.PROTECTED,
                f"stack {self.stack['StackName']} has termination protection",
                remedy="switch it off (aws cloudformation update-termination-protection), then start again",
            )
        inhabitants = self._inhabitants()
        late = [each for each in inhabitants if is_early and each.get("Description") == self._of_the_control_plane]
        if len(late) < len(inhabitants):
            waiting_for = [interfaces.described(each) for each in inhabitants]
            return _pending(Reason.WAITING_FOR_NETWORK_INTERFACES, waiting_for)
        token = self._token("early") if late else self._token()
        self.cloudformation.delete_stack(StackName=self.stack["StackName"], ClientRequestToken=token)
        has_nat = self.what == "nat" or network_stack.has_nat(self.stack)
        first_look = FIRST_LOOK_SECONDS if has_nat else FIRST_LOOK_SECONDS_WITHOUT_NAT
        return _pending(Reason.DELETING, [self.stack["StackName"]], first_look)

    @property
    def _of_the_control_plane(self) -> str:
        """What EKS writes into its interfaces' description (EKS user guide, VPC and subnet considerations)."""
        return f"Amazon EKS {self.request.cluster.name}"

    def _inhabitants(self) -> "list[NetworkInterfaceTypeDef]":
        """Interfaces that do not go with the stacks, as those of its NAT gateways do."""
        if not self.vpc_id:
            return []
        gateways = self.ec2.describe_nat_gateways(
            Filters=[
                {"Name": "vpc-id", "Values": [self.vpc_id]},
                {"Name": f"tag:{OWNER_TAG}", "Values": [self.request.cluster.name]},
            ]
        )["NatGateways"]
        own = {to.get("NetworkInterfaceId") for gateway in gateways for to in gateway.get("NatGatewayAddresses", [])}
        found = interfaces.find("vpc-id", self.vpc_id, self.ec2)
        return [each for each in found if each["NetworkInterfaceId"] not in own]

    def _token(self, when: str = "") -> str:
        return self.request.idempotency_token(f"remove {self.what} {self.run} {when}".rstrip())


def _pending(reason: Reason, waiting_for: list[str], seconds: int = POLL_SECONDS) -> Observation:
    return Observation.pending(reason, retry_after_seconds=seconds, waiting_for=waiting_for)
