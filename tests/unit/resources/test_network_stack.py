from collections.abc import Callable
from typing import Any

import pytest

from provisioner.errors import ErrorReason, TerminalError
from provisioner.observation import Observation, Reason
from provisioner.request import CreatedNetwork, Request
from provisioner.resources import network, network_stack, stack
from tests.unit.resources.aws_calls import Calls, alter, http, refusal, refuse
from tests.unit.resources.networks import stack_becomes
from tests.unit.resources.samples import request_for

RUN = "arn:aws:states:ap-northeast-1:111122223333:execution:provision:run"
STACK = "eks-efs-provisioner-eks-example-network"
Ensure = Callable[[Request], Observation]


@pytest.fixture
def ensure(ec2: Any, cloudformation: Any) -> Ensure:
    return lambda request: network.ensure(request, RUN, ec2, cloudformation)


def parameters(zones: int, cidr: str = "192.168.0.0/16") -> dict[str, str]:
    names = ["ap-northeast-1c", "ap-northeast-1d", "ap-northeast-1a"][:zones]
    return network_stack.parameters_for(CreatedNetwork(cidr=cidr, availability_zones=zones), names)


def test_the_network_is_created_and_then_found(ensure: Ensure) -> None:
    made = ensure(request_for())
    assert (made.reason, made.retry_after_seconds) == (Reason.CREATING, network_stack.FIRST_LOOK_SECONDS)
    observation = ensure(request_for())
    assert observation.ready
    subnets = observation.facts["private_subnets"]
    assert [(subnet["availability_zone_id"], subnet["cidr"]) for subnet in subnets] == [
        ("apne1-az1", "192.168.96.0/19"),
        ("apne1-az2", "192.168.128.0/19"),
        ("apne1-az4", "192.168.160.0/19"),
    ]


def test_a_second_run_changes_nothing(ensure: Ensure, ec2: Any, cloudformation: Any) -> None:
    ensure(request_for())
    calls = Calls(ec2, cloudformation)
    assert ensure(request_for()).ready
    assert calls.names == ["DescribeStacks", "DescribeSubnets", *["DescribeVpcAttribute"] * 2]


def test_every_resource_that_can_be_tagged_carries_the_owner_tag(ensure: Ensure, ec2: Any) -> None:
    ensure(request_for(tags={"team": "platform"}))
    for resources in (
        ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["false"]}])["Vpcs"],
        ec2.describe_subnets(Filters=[{"Name": "cidr", "Values": ["192.168.*"]}])["Subnets"],
    ):
        assert resources
        for resource in resources:
            tags = {tag["Key"]: tag["Value"] for tag in resource["Tags"]}
            assert tags["eks-efs-provisioner/cluster"] == "eks-example"
            assert tags["team"] == "platform"


def test_the_vpc_resolves_names_as_efs_mounts_need(ensure: Ensure, ec2: Any) -> None:
    ensure(request_for())
    vpc_id = ensure(request_for()).facts["vpc_id"]
    assert ec2.describe_vpc_attribute(VpcId=vpc_id, Attribute="enableDnsSupport")["EnableDnsSupport"]["Value"]
    assert ec2.describe_vpc_attribute(VpcId=vpc_id, Attribute="enableDnsHostnames")["EnableDnsHostnames"]["Value"]


def test_subnets_are_eighths_of_the_vpc_that_do_not_overlap() -> None:
    given = parameters(3, "10.1.0.0/24")
    assert [given[f"PublicSubnet{index}Cidr"] for index in (1, 2, 3)] == [
        "10.1.0.0/27",
        "10.1.0.32/27",
        "10.1.0.64/27",
    ]
    assert [given[f"PrivateSubnet{index}Cidr"] for index in (1, 2, 3)] == [
        "10.1.0.96/27",
        "10.1.0.128/27",
        "10.1.0.160/27",
    ]


@pytest.mark.parametrize(
    ("length", "public", "private"),
    [
        (18, ["10.1.0.0/20", "10.1.16.0/20", "10.1.32.0/20"], ["10.1.64.0/18", "10.1.128.0/18", "10.1.192.0/18"]),
        (19, ["10.1.0.0/19", "10.1.32.0/19", "10.1.64.0/19"], ["10.1.96.0/19", "10.1.128.0/19", "10.1.160.0/19"]),
        (27, ["10.1.0.0/19", "10.1.32.0/19", "10.1.64.0/19"], ["10.1.96.0/27", "10.1.128.0/27", "10.1.160.0/27"]),
    ],
)
def test_private_subnets_are_as_large_as_asked_for_and_overlap_with_nothing(
    length: int, public: list[str], private: list[str]
) -> None:
    wanted = CreatedNetwork(cidr="10.1.0.0/16", private_subnet_prefix_length=length)
    given = network_stack.parameters_for(wanted, ["a", "b", "c"])
    assert [given[f"PublicSubnet{index}Cidr"] for index in (1, 2, 3)] == public
    assert [given[f"PrivateSubnet{index}Cidr"] for index in (1, 2, 3)] == private


def test_zones_that_are_named_are_taken_and_no_others(ec2: Any) -> None:
    wanted = CreatedNetwork(availability_zones=["apne1-az4", "apne1-az2"])
    assert network_stack.zones_for(wanted, "ap-northeast-1", ec2) == ["ap-northeast-1d", "ap-northeast-1a"]
    with pytest.raises(TerminalError, match="names apne1-az3, which ap-northeast-1 does not have") as raised:
        network_stack.zones_for(CreatedNetwork(availability_zones=["apne1-az3", "apne1-az1"]), "ap-northeast-1", ec2)
    assert raised.value.remedy == "name zones among apne1-az1, apne1-az2, apne1-az4"


def test_with_two_zones_the_third_is_empty() -> None:
    given = parameters(2)
    assert (given["ZoneCount"], given["Zone3"]) == ("2", "")


def test_zones_are_chosen_by_zone_id_without_those_that_lack_eks_or_fargate(ec2: Any) -> None:
    zones = [
        {"ZoneName": "c", "ZoneId": "use1-az3", "State": "available"},
        {"ZoneName": "b", "ZoneId": "use1-az2", "State": "available"},
        {"ZoneName": "e", "ZoneId": "use1-az5", "State": "impaired"},
        {"ZoneName": "l", "ZoneId": "use1-atl1-az1", "State": "available", "ZoneType": "local-zone"},
        {"ZoneName": "a", "ZoneId": "use1-az1", "State": "available", "ZoneType": "availability-zone"},
    ]
    alter(ec2, "DescribeAvailabilityZones", lambda parsed: parsed.update(AvailabilityZones=zones))
    assert network_stack.zones_for(CreatedNetwork(availability_zones=2), "us-east-1", ec2) == ["a", "b"]
    with pytest.raises(TerminalError, match="us-east-1 has 2 zones") as raised:
        network_stack.zones_for(CreatedNetwork(availability_zones=3), "us-east-1", ec2)
    assert raised.value.reason is ErrorReason.UNSUITABLE_NETWORK


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"cidr": "10.0.0.0/16"}, r"network.cidr \(VpcCidr\) is 192.168.0.0/16, asked for 10.0.0.0/16"),
        ({"availability_zones": 2}, r"network.availability_zones \(ZoneCount\) is 3, asked for 2"),
        (
            {"private_subnet_prefix_length": 24},
            r"private_subnet_prefix_length \(PrivateSubnet1Cidr\) is 192.168.96.0/19, asked for 192.168.96.0/24",
        ),
        (
            {"availability_zones": ["apne1-az1", "apne1-az2", "apne1-az3"]},
            "network.availability_zones is apne1-az1, apne1-az2, apne1-az4, asked for",
        ),
    ],
)
def test_a_network_other_than_the_one_asked_for_is_refused(
    change: dict[str, Any], named: str, ensure: Ensure, cloudformation: Any
) -> None:
    ensure(request_for())
    calls = Calls(cloudformation)
    with pytest.raises(TerminalError, match=named) as raised:
        ensure(request_for(network=change))
    assert raised.value.reason is ErrorReason.IMMUTABLE
    assert calls.mutating == []


def test_a_stack_of_another_owner_is_refused(ensure: Ensure) -> None:
    ensure(request_for(cluster={"name": "a-b"}))
    with pytest.raises(TerminalError, match="eks-efs-provisioner-a-b-network") as raised:
        ensure(request_for(cluster={"name": "a_b"}))
    assert raised.value.reason is ErrorReason.OWNED_BY_ANOTHER


@pytest.mark.parametrize(
    "status", ["CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"]
)
def test_a_stack_that_stands_is_ready(status: str, ensure: Ensure, cloudformation: Any) -> None:
    ensure(request_for())
    stack_becomes(cloudformation, StackStatus=status)
    assert ensure(request_for()).ready


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("CREATE_IN_PROGRESS", Reason.CREATING),
        ("UPDATE_IN_PROGRESS", Reason.UPDATING),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", Reason.UPDATING),
        ("UPDATE_ROLLBACK_IN_PROGRESS", Reason.UPDATING),
        ("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", Reason.UPDATING),
        ("IMPORT_IN_PROGRESS", Reason.UPDATING),
        ("IMPORT_ROLLBACK_IN_PROGRESS", Reason.UPDATING),
        ("DELETE_IN_PROGRESS", Reason.DELETING),
    ],
)
def test_a_stack_under_way_is_waited_for(status: str, reason: Reason, ensure: Ensure, cloudformation: Any) -> None:
    ensure(request_for())
    stack_becomes(cloudformation, StackStatus=status)
    observation = ensure(request_for())
    assert (observation.ready, observation.reason) == (False, reason)
    assert observation.retry_after_seconds > 0


@pytest.mark.parametrize(
    "status",
    [
        "DELETE_FAILED",
        "UPDATE_FAILED",
        "UPDATE_ROLLBACK_FAILED",
        "IMPORT_ROLLBACK_FAILED",
        "REVIEW_IN_PROGRESS",
        "A_STATUS_OF_NEXT_YEAR",
    ],
)
def test_a_broken_stack_ends_the_run_at_once(status: str, ensure: Ensure, cloudformation: Any) -> None:
    ensure(request_for())
    stack_becomes(cloudformation, StackStatus=status)
    with pytest.raises(TerminalError, match=status) as raised:
        ensure(request_for())
    assert raised.value.reason is ErrorReason.UNUSABLE


FAILED = ["CREATE_FAILED", "ROLLBACK_FAILED", "ROLLBACK_COMPLETE", "DELETE_FAILED"]


def stack_failed(cloudformation: Any, status: str, token: str | None) -> None:
    """Before it was a network, in the operation with that token."""
    stack_becomes(cloudformation, StackStatus=status, Outputs=[])
    alter(cloudformation, "DescribeStackEvents", lambda parsed: parsed["StackEvents"][0].update(token_of(token)))


def token_of(token: str | None) -> dict[str, str]:
    return {"ClientRequestToken": token} if token else {}


@pytest.mark.parametrize("status", [*FAILED, "ROLLBACK_IN_PROGRESS"])
@pytest.mark.parametrize("verb", ["create", "delete"])
def test_a_stack_that_failed_in_this_run_ends_it_at_once(
    status: str, verb: str, ensure: Ensure, cloudformation: Any
) -> None:
    ensure(request_for())
    stack_failed(cloudformation, status, request_for().idempotency_token(f"{verb} network {RUN}"))
    with pytest.raises(TerminalError, match=f"{status}.*run again: the stack is made anew") as raised:
        ensure(request_for())
    assert raised.value.reason is ErrorReason.UNUSABLE


@pytest.mark.parametrize("status", FAILED)
@pytest.mark.parametrize("token", [None, request_for().idempotency_token("create network another-run")])
def test_a_stack_that_failed_in_an_earlier_run_is_removed(
    status: str, token: str | None, ensure: Ensure, cloudformation: Any
) -> None:
    ensure(request_for())
    stack_failed(cloudformation, status, token)
    asked: list[dict[str, str]] = []

    def delete(params: Any, **_: Any) -> Any:
        asked.append(params["body"])
        return http(200), {}

    cloudformation.meta.events.register("before-call.cloudformation.DeleteStack", delete)
    observation = ensure(request_for())
    assert (observation.ready, observation.reason) == (False, Reason.DELETING)
    ours = request_for().idempotency_token(f"delete network {RUN}")
    assert [(each["StackName"], each["ClientRequestToken"]) for each in asked] == [(STACK, ours)]


def test_each_run_makes_the_stack_with_a_token_of_its_own(ec2: Any, cloudformation: Any) -> None:
    """CloudFormation may take one that it has seen for a retry of what it has done."""
    tokens: list[str] = []

    def refuse(params: Any, model: Any, **_: Any) -> Any:
        tokens.append(params["body"]["ClientRequestToken"])
        return refusal("AlreadyExistsException", model)

    cloudformation.meta.events.register("before-call.cloudformation.CreateStack", refuse)
    for run in ("one", "one", "two"):
        network.ensure(request_for(), run, ec2, cloudformation)
    assert [tokens.index(token) for token in tokens] == [0, 0, 2]


def test_a_roll_back_of_an_earlier_run_is_waited_for(ensure: Ensure, cloudformation: Any) -> None:
    ensure(request_for())
    stack_failed(cloudformation, "ROLLBACK_IN_PROGRESS", "another")
    calls = Calls(cloudformation)
    assert ensure(request_for()).reason is Reason.DELETING
    assert calls.mutating == []


def test_a_network_that_somebody_could_not_delete_is_left_to_him(ensure: Ensure, cloudformation: Any) -> None:
    """A cluster may be in it."""
    ensure(request_for())
    stack_becomes(cloudformation, StackStatus="DELETE_FAILED")
    calls = Calls(cloudformation)
    with pytest.raises(TerminalError, match="remove what holds the resource"):
        ensure(request_for())
    assert calls.mutating == []


def test_a_stack_that_goes_once_it_was_found_still_tells_what_happened(cloudformation: Any) -> None:
    template = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'
    cloudformation.create_stack(StackName=STACK, TemplateBody=template, ClientRequestToken="made-by-a-run")
    found = stack.find(STACK, cloudformation)
    assert found is not None
    cloudformation.delete_stack(StackName=STACK, ClientRequestToken="removed-by-another")
    assert stack.find(STACK, cloudformation) is None
    assert next(event["ResourceStatus"] for event in stack.events_of(found, cloudformation)) == "DELETE_COMPLETE"
    assert stack.first_failure(found, cloudformation) is None


def test_a_failed_stack_names_the_first_resource_that_failed_and_the_first_that_was_left_over(
    ensure: Ensure, cloudformation: Any
) -> None:
    def event(resource: str, status: str, reason: str) -> dict[str, str]:
        physical_id = "stack-1" if resource == "Stack" else resource.lower()
        names = {"StackId": "stack-1", "PhysicalResourceId": physical_id, "LogicalResourceId": resource}
        return {**names, "ResourceStatus": status, "ResourceStatusReason": reason}

    ours = request_for().idempotency_token(f"create network {RUN}")
    newest_first = [
        {**event("Stack", "ROLLBACK_FAILED", "The following …"), "ClientRequestToken": ours},
        event("Vpc", "DELETE_FAILED", "it has dependencies"),
        event("NatGateway2", "DELETE_FAILED", "not authorized"),
        event("NatGateway1", "CREATE_FAILED", "Resource creation cancelled"),
        event("NatAddress1", "CREATE_FAILED", "AddressLimitExceeded"),
        event("Stack", "CREATE_IN_PROGRESS", "User initiated"),
        event("Vpc", "DELETE_FAILED", "an older story"),
    ]
    ensure(request_for())
    stack_becomes(cloudformation, StackStatus="ROLLBACK_FAILED", Outputs=[])
    alter(cloudformation, "DescribeStackEvents", lambda parsed: parsed.update(StackEvents=newest_first))
    story = (
        "NatAddress1 CREATE_FAILED: AddressLimitExceeded; NatGateway2 DELETE_FAILED: not authorized; remove the cause"
    )
    with pytest.raises(TerminalError, match=story):
        ensure(request_for())


def test_a_stack_created_by_another_run_in_the_same_moment_is_taken_up(ensure: Ensure, cloudformation: Any) -> None:
    for code in ("AlreadyExistsException", "TokenAlreadyExistsException"):
        request = request_for(cluster={"name": code})
        refuse(cloudformation, "CreateStack", code, meanwhile=lambda request=request: ensure(request))  # type: ignore[misc]
        assert ensure(request).ready


def test_a_deleted_stack_is_absent(ensure: Ensure, cloudformation: Any) -> None:
    ensure(request_for())
    stack_becomes(cloudformation, StackStatus="DELETE_COMPLETE")
    assert network_stack.find(request_for(), cloudformation) is None


def test_an_error_that_is_not_absence_is_passed_on(cloudformation: Any) -> None:
    refuse(cloudformation, "DescribeStacks", "AccessDenied")
    with pytest.raises(cloudformation.exceptions.ClientError, match="AccessDenied"):
        network_stack.find(request_for(), cloudformation)


def test_the_longest_cluster_name_still_gives_a_stack_name() -> None:
    assert len(network_stack.stack_name("a" * 100)) == 128
