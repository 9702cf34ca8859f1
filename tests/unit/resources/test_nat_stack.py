"""What leads out of a network that we create: a stack of its own, or in a network of before a part of its one."""

from collections.abc import Callable
from typing import Any

import pytest

from provisioner.errors import ErrorReason, TerminalError
from provisioner.observation import Observation, Reason
from provisioner.request import CreatedNetwork, Request
from provisioner.resources import nat_stack, network
from tests.unit.resources.aws_calls import Calls, alter, http
from tests.unit.resources.networks import make_with_nat, stack_becomes
from tests.unit.resources.samples import request_for

RUN = "arn:aws:states:ap-northeast-1:111122223333:execution:provision:run"
STACK = "eks-efs-provisioner-eks-example-nat"
Ensure = Callable[[Request], Observation]


@pytest.fixture
def ensure(ec2: Any, cloudformation: Any) -> Ensure:
    """The network is there, as a run has it before it asks for the way out."""

    def ensured(request: Request) -> Observation:
        network.ensure(request, RUN, ec2, cloudformation)
        return nat_stack.ensure(request, RUN, cloudformation)

    return ensured


def test_the_way_out_is_made_and_then_found_and_a_second_run_changes_nothing(
    ensure: Ensure, cloudformation: Any
) -> None:
    assert ensure(request_for()).reason is Reason.CREATING
    calls = Calls(cloudformation)
    observation = nat_stack.ensure(request_for(), RUN, cloudformation)
    assert (observation.ready, observation.facts) == (True, {})
    assert calls.names == ["DescribeStacks"] * 2


@pytest.mark.parametrize(
    ("zones", "nat", "gateways"), [(2, "single", 1), (2, "per_zone", 2), (3, "single", 1), (3, "per_zone", 3)]
)
def test_private_subnets_leave_through_nat_and_public_ones_directly(
    zones: int, nat: str, gateways: int, ensure: Ensure, ec2: Any, cloudformation: Any
) -> None:
    request = request_for(network={"availability_zones": zones, "nat": nat})
    ensure(request)
    facts = network.ensure(request, RUN, ec2, cloudformation).facts
    private = [subnet["subnet_id"] for subnet in facts["private_subnets"]]
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [facts["vpc_id"]]}])["Subnets"]
    roles = {subnet["SubnetId"]: {tag["Key"] for tag in subnet["Tags"]} for subnet in subnets}
    zone_of = {subnet["SubnetId"]: subnet["AvailabilityZone"] for subnet in subnets}
    where = {each["NatGatewayId"]: zone_of[each["SubnetId"]] for each in ec2.describe_nat_gateways()["NatGateways"]}
    assert len(private) == zones
    assert len(subnets) == 2 * zones
    used = set()
    for subnet_id, tags in roles.items():
        filters = [{"Name": "association.subnet-id", "Values": [subnet_id]}]
        (table,) = ec2.describe_route_tables(Filters=filters)["RouteTables"]
        route = next(route for route in table["Routes"] if route.get("DestinationCidrBlock") == "0.0.0.0/0")
        if subnet_id in private:
            assert "kubernetes.io/role/internal-elb" in tags
            used.add(route["NatGatewayId"])
            assert nat == "single" or where[route["NatGatewayId"]] == zone_of[subnet_id]
        else:
            assert "kubernetes.io/role/elb" in tags
            assert route["GatewayId"].startswith("igw-")
    assert len(used) == len(where) == gateways


def test_gateways_carry_the_owner_tag(ensure: Ensure, ec2: Any) -> None:
    ensure(request_for(tags={"team": "platform"}))
    (nat_gateway,) = ec2.describe_nat_gateways()["NatGateways"]
    (internet_gateway,) = ec2.describe_internet_gateways()["InternetGateways"]
    for gateway in (nat_gateway, internet_gateway):
        tags = {tag["Key"]: tag["Value"] for tag in gateway["Tags"]}
        assert (tags["eks-efs-provisioner/cluster"], tags["team"]) == ("eks-example", "platform")


def test_a_network_alone_leads_nowhere(ec2: Any, cloudformation: Any) -> None:
    """What may fail of what leads out of it, by an organization's policy against internet gateways say, fails alone."""
    network.ensure(request_for(), RUN, ec2, cloudformation)
    made = cloudformation.describe_stack_resources(StackName="eks-efs-provisioner-eks-example-network")
    types = {each["ResourceType"] for each in made["StackResources"]}
    assert types == {"AWS::EC2::VPC", "AWS::EC2::Subnet"}


def test_another_number_of_nat_gateways_than_there_is_is_refused(ensure: Ensure, cloudformation: Any) -> None:
    ensure(request_for())
    calls = Calls(cloudformation)
    with pytest.raises(TerminalError, match=r"network.nat \(NatGateways\) is single, asked for per_zone") as raised:
        ensure(request_for(network={"nat": "per_zone"}))
    assert (raised.value.reason, STACK in str(raised.value)) == (ErrorReason.IMMUTABLE, True)
    assert calls.mutating == []


def test_an_existing_network_has_its_own_way_out(cloudformation: Any) -> None:
    asked = {"vpc_id": "vpc-0123456789abcdef0", "private_subnet_ids": ["subnet-01234567", "subnet-12345678"]}
    calls = Calls(cloudformation)
    assert nat_stack.ensure(request_for(network=asked), RUN, cloudformation).ready
    assert calls.names == []


def test_a_network_with_its_nat_gateways_in_one_stack_gets_no_other_and_stays_as_it_is(
    ensure: Ensure, ec2: Any, cloudformation: Any
) -> None:
    make_with_nat(request_for(), CreatedNetwork(), ec2, cloudformation)
    calls = Calls(ec2, cloudformation)
    assert ensure(request_for()).ready
    assert network.ensure(request_for(), RUN, ec2, cloudformation).ready
    assert calls.mutating == []
    with pytest.raises(TerminalError, match=r"network.nat \(NatGateways\) is single, asked for per_zone"):
        ensure(request_for(network={"nat": "per_zone"}))


@pytest.mark.parametrize("status", ["CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"])
def test_of_a_network_that_does_not_stand_nothing_is_made(status: str, ec2: Any, cloudformation: Any) -> None:
    """As a look that is older than the one that found it complete sees it."""
    network.ensure(request_for(), RUN, ec2, cloudformation)
    stack_becomes(cloudformation, StackStatus=status, Outputs=[])
    calls = Calls(cloudformation)
    assert not nat_stack.ensure(request_for(), RUN, cloudformation).ready
    assert calls.mutating == []


def failed(cloudformation: Any, run: str) -> None:
    """Its creation, in that run."""
    stack_becomes(cloudformation, "-nat", StackStatus="ROLLBACK_COMPLETE", Outputs=[])
    event = {
        "LogicalResourceId": "NatAddress1",
        "PhysicalResourceId": "",
        "ResourceStatus": "CREATE_FAILED",
        "ResourceStatusReason": "AddressLimitExceeded",
        "ClientRequestToken": request_for().idempotency_token(f"create nat {run}"),
    }
    alter(cloudformation, "DescribeStackEvents", lambda parsed: parsed.update(StackEvents=[event]))


def test_nat_gateways_that_could_not_be_made_end_the_run_with_the_cause_and_the_next_one_makes_them_anew(
    ensure: Ensure, cloudformation: Any
) -> None:
    ensure(request_for())
    failed(cloudformation, RUN)
    cause = f"stack {STACK} is ROLLBACK_COMPLETE: NatAddress1 CREATE_FAILED: AddressLimitExceeded"
    with pytest.raises(TerminalError, match=cause) as raised:
        ensure(request_for())
    assert raised.value.reason is ErrorReason.UNUSABLE
    failed(cloudformation, "an earlier run")
    deleted: list[str] = []

    def delete(params: Any, **_: Any) -> Any:
        deleted.append(params["body"]["StackName"])
        return http(200), {}

    cloudformation.meta.events.register("before-call.cloudformation.DeleteStack", delete)
    assert ensure(request_for()).reason is Reason.DELETING
    assert deleted == [STACK]


def test_the_names_of_both_stacks_are_told_apart_whatever_the_clusters_name() -> None:
    assert nat_stack.stack_name("a_b-network") == "eks-efs-provisioner-a-b-network-nat"
    assert len(nat_stack.stack_name("a" * 100)) <= 128
