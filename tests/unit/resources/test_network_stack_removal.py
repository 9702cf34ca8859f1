from collections.abc import Callable
from typing import Any

import pytest

from provisioner.errors import ErrorReason, TerminalError
from provisioner.observation import Observation, Reason
from provisioner.request import CreatedNetwork
from provisioner.resources import nat_stack, network, network_stack, network_stack_removal
from tests.unit.resources.aws_calls import Calls, alter, http
from tests.unit.resources.networks import make_with_nat, stack_becomes
from tests.unit.resources.samples import request_for
from tests.unit.resources.test_network_stack import STACK

RUN = "arn:aws:states:ap-northeast-1:111122223333:execution:teardown:run"
Remove = Callable[..., Observation]


@pytest.fixture
def remove(ec2: Any, cloudformation: Any) -> Remove:
    """With a network that a run has made; moto's stacks cannot delete one, and are only asked to."""
    cloudformation.meta.events.register("before-call.cloudformation.DeleteStack", lambda **_: (http(200), {}))
    for _ in range(2):
        network.ensure(request_for(), RUN, ec2, cloudformation)
    return lambda run=RUN, *, is_cluster_gone=True: network_stack_removal.remove(
        request_for(), run, ec2, cloudformation, is_cluster_gone=is_cluster_gone
    )


def interface(ec2: Any, description: str) -> str:
    """In the network that the run has made."""
    (vpc_id,) = (each["VpcId"] for each in ec2.describe_vpcs()["Vpcs"] if each["CidrBlock"] == "192.168.0.0/16")
    (subnet, *_) = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])["Subnets"]
    made = ec2.create_network_interface(SubnetId=subnet["SubnetId"], Description=description)
    return str(made["NetworkInterface"]["NetworkInterfaceId"])


def failed(cloudformation: Any, token: str) -> None:
    """The deletion with that token was the latest, and has left two resources."""

    def event(resource: str, status: str, reason: str) -> dict[str, str]:
        physical_id = "stack-1" if resource == "Stack" else f"{resource.lower()}-1"
        names = {"StackId": "stack-1", "PhysicalResourceId": physical_id, "LogicalResourceId": resource}
        return {**names, "ResourceStatus": status, "ResourceStatusReason": reason, "ClientRequestToken": token}

    newest_first = [
        event("Stack", "DELETE_FAILED", "The following …"),
        event("Vpc", "DELETE_FAILED", "it has dependencies"),
        event("PrivateSubnet1", "DELETE_FAILED", "an interface is in it"),
        event("Stack", "DELETE_IN_PROGRESS", "User initiated"),
        event("NatGateway1", "DELETE_FAILED", "an older story"),
    ]
    stack_becomes(cloudformation, StackStatus="DELETE_FAILED")
    alter(cloudformation, "DescribeStackEvents", lambda parsed: parsed.update(StackEvents=newest_first))


def tokens(cloudformation: Any) -> list[str]:
    """Of the deletions that are asked for from now on."""
    seen: list[str] = []
    cloudformation.meta.events.register(
        "provide-client-params.cloudformation.DeleteStack",
        lambda params, **_: seen.append(params["ClientRequestToken"]),
    )
    return seen


def test_the_stack_is_deleted_and_again_is_done(remove: Remove, cloudformation: Any) -> None:
    calls = Calls(cloudformation)
    observation = remove()
    assert (observation.reason, observation.facts["waiting_for"]) == (
        Reason.DELETING,
        ["eks-efs-provisioner-eks-example-network"],
    )
    assert calls.mutating == ["DeleteStack"]
    stack_becomes(cloudformation, StackStatus="DELETE_COMPLETE")
    assert remove().ready
    assert calls.mutating == ["DeleteStack"]


@pytest.mark.parametrize(
    ("description", "is_cluster_gone"),
    [("Amazon EKS eks-example", False), ("Amazon EKS another", True), ("appliance", True)],
)
def test_nothing_of_the_stack_goes_while_something_lives_in_the_network(
    description: str, is_cluster_gone: bool, remove: Remove, ec2: Any, cloudformation: Any
) -> None:
    interface_id = interface(ec2, description)
    calls = Calls(cloudformation)
    observation = remove(is_cluster_gone=is_cluster_gone)
    assert (observation.ready, observation.reason) == (False, Reason.WAITING_FOR_NETWORK_INTERFACES)
    assert observation.facts["waiting_for"] == [f"{interface_id} ({description})"]
    assert calls.mutating == []
    ec2.delete_network_interface(NetworkInterfaceId=interface_id)
    assert remove().reason is Reason.DELETING


def test_interfaces_of_a_control_plane_that_is_gone_go_while_the_stack_does_and_one_beside_them_is_waited_for(
    remove: Remove, ec2: Any, cloudformation: Any
) -> None:
    interface(ec2, "Amazon EKS eks-example")
    theirs = interface(ec2, "appliance")
    calls = Calls(cloudformation)
    assert remove().reason is Reason.WAITING_FOR_NETWORK_INTERFACES
    assert calls.mutating == []
    ec2.delete_network_interface(NetworkInterfaceId=theirs)
    assert remove().reason is Reason.DELETING
    assert calls.mutating == ["DeleteStack"]


def test_a_stack_that_was_deleted_too_early_is_deleted_again_when_nothing_is_in_the_network_and_then_for_good(
    remove: Remove, ec2: Any, cloudformation: Any
) -> None:
    late, seen = interface(ec2, "Amazon EKS eks-example"), tokens(cloudformation)
    remove()
    failed(cloudformation, seen[0])
    assert remove().facts["waiting_for"] == [f"{late} (Amazon EKS eks-example)"]
    ec2.delete_network_interface(NetworkInterfaceId=late)
    assert remove().reason is Reason.DELETING
    early, final = seen
    assert early != final
    failed(cloudformation, final)
    with pytest.raises(TerminalError, match="DELETE_FAILED"):
        remove()


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("DELETE_IN_PROGRESS", Reason.DELETING),
        ("CREATE_IN_PROGRESS", Reason.CREATING),
        ("ROLLBACK_IN_PROGRESS", Reason.CREATING),
        ("UPDATE_IN_PROGRESS", Reason.UPDATING),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", Reason.UPDATING),
        ("UPDATE_ROLLBACK_IN_PROGRESS", Reason.UPDATING),
    ],
)
def test_a_stack_under_way_is_waited_for(status: str, reason: Reason, remove: Remove, cloudformation: Any) -> None:
    stack_becomes(cloudformation, StackStatus=status)
    calls = Calls(cloudformation)
    assert (remove().ready, remove().reason) == (False, reason)
    assert calls.mutating == []


@pytest.mark.parametrize(
    "status", ["CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "UPDATE_FAILED", "UPDATE_ROLLBACK_FAILED"]
)
def test_a_stack_that_failed_is_deleted_too(status: str, remove: Remove, cloudformation: Any) -> None:
    stack_becomes(cloudformation, StackStatus=status)
    calls = Calls(cloudformation)
    assert remove().reason is Reason.DELETING
    assert calls.mutating == ["DeleteStack"]


def test_a_stack_that_this_run_could_not_delete_ends_it_with_everything_that_is_left_and_another_run_deletes_again(
    remove: Remove, cloudformation: Any
) -> None:
    failed(cloudformation, request_for().idempotency_token(f"remove network {RUN}"))
    left = "PrivateSubnet1 privatesubnet1-1: an interface is in it; Vpc vpc-1: it has dependencies; remove what holds"
    calls = Calls(cloudformation)
    with pytest.raises(TerminalError, match=left) as raised:
        remove()
    assert raised.value.reason is ErrorReason.UNUSABLE
    assert calls.mutating == []
    assert remove("another run").reason is Reason.DELETING
    assert calls.mutating == ["DeleteStack"]


def test_termination_protection_is_respected(remove: Remove, cloudformation: Any) -> None:
    stack_becomes(cloudformation, EnableTerminationProtection=True)
    calls = Calls(cloudformation)
    with pytest.raises(TerminalError, match="update-termination-protection") as raised:
        remove()
    assert raised.value.reason is ErrorReason.PROTECTED
    assert calls.mutating == []


def test_a_stack_of_another_owner_is_refused(remove: Remove, ec2: Any, cloudformation: Any) -> None:
    stack_becomes(cloudformation, Tags=[])
    calls = Calls(cloudformation)
    with pytest.raises(TerminalError, match=STACK) as raised:
        remove()
    assert raised.value.reason is ErrorReason.OWNED_BY_ANOTHER
    assert calls.mutating == []


def test_a_status_of_next_year_ends_the_removal(remove: Remove, cloudformation: Any) -> None:
    stack_becomes(cloudformation, StackStatus="A_STATUS_OF_NEXT_YEAR")
    with pytest.raises(TerminalError, match="A_STATUS_OF_NEXT_YEAR"):
        remove()


def test_the_vpc_is_the_stacks_or_the_one_that_the_request_names(remove: Remove, ec2: Any, cloudformation: Any) -> None:
    stack = network_stack.find(request_for(), cloudformation)
    assert stack is not None
    assert network.find_vpc_id(request_for(), cloudformation) == network_stack.outputs_of(stack)[0] != ""
    asked = {"vpc_id": "vpc-0123456789abcdef0", "private_subnet_ids": ["subnet-01234567", "subnet-12345678"]}
    assert network.find_vpc_id(request_for(network=asked), cloudformation) == "vpc-0123456789abcdef0"
    assert network.find_vpc_id(request_for(cluster={"name": "another"}), cloudformation) is None


NAT_STACK = "eks-efs-provisioner-eks-example-nat"


@pytest.fixture
def with_nat_gateways(remove: Remove, cloudformation: Any) -> None:
    for _ in range(2):
        nat_stack.ensure(request_for(), RUN, cloudformation)


@pytest.mark.usefixtures("with_nat_gateways")
def test_nat_gateways_go_first_and_the_network_when_they_are_gone(remove: Remove, cloudformation: Any) -> None:
    """CloudFormation detaches no internet gateway from a VPC with mapped public addresses."""
    calls, seen = Calls(cloudformation), tokens(cloudformation)
    assert remove().facts["waiting_for"] == [NAT_STACK]
    stack_becomes(cloudformation, "-nat", StackStatus="DELETE_IN_PROGRESS")
    assert remove().facts["waiting_for"] == [NAT_STACK]
    assert calls.mutating == ["DeleteStack"]
    stack_becomes(cloudformation, "-nat", StackStatus="DELETE_COMPLETE")
    assert remove().facts["waiting_for"] == [STACK]
    assert calls.mutating == ["DeleteStack"] * 2
    assert len(set(seen)) == 2
    stack_becomes(cloudformation, StackStatus="DELETE_COMPLETE")
    assert remove().ready


@pytest.mark.usefixtures("with_nat_gateways")
def test_nat_gateways_too_stay_while_something_lives_in_the_network(
    remove: Remove, ec2: Any, cloudformation: Any
) -> None:
    interface(ec2, "appliance")
    calls = Calls(cloudformation)
    assert remove().reason is Reason.WAITING_FOR_NETWORK_INTERFACES
    assert calls.mutating == []


@pytest.mark.usefixtures("with_nat_gateways")
@pytest.mark.parametrize(
    ("changed", "reason"),
    [({"Tags": []}, ErrorReason.OWNED_BY_ANOTHER), ({"EnableTerminationProtection": True}, ErrorReason.PROTECTED)],
)
def test_nat_gateways_of_another_or_protected_end_the_removal_before_the_network_goes(
    changed: dict[str, Any], reason: ErrorReason, remove: Remove, cloudformation: Any
) -> None:
    stack_becomes(cloudformation, "-nat", **changed)
    calls = Calls(cloudformation)
    with pytest.raises(TerminalError, match=NAT_STACK) as raised:
        remove()
    assert raised.value.reason is reason
    assert calls.mutating == []


def test_a_network_with_its_nat_gateways_in_one_stack_goes_in_one(ec2: Any, cloudformation: Any) -> None:
    cloudformation.meta.events.register("before-call.cloudformation.DeleteStack", lambda **_: (http(200), {}))
    make_with_nat(request_for(), CreatedNetwork(), ec2, cloudformation)
    calls = Calls(cloudformation)
    observation = network_stack_removal.remove(request_for(), RUN, ec2, cloudformation, is_cluster_gone=True)
    assert observation.facts["waiting_for"] == [STACK]
    assert observation.retry_after_seconds == 45
    assert calls.mutating == ["DeleteStack"]
