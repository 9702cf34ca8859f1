"""Networks that somebody else made: used in whatever shape they have, and never changed."""

from typing import Any

import pytest

from local.aws import ec2_sharing
from local.aws import network as live
from local.cloud import EmbeddedCloud
from tests.end_to_end.runs import Machine, until
from tests.unit.resources.networks import ZONES, SomebodysVpc, subnet

OWNER = "999911112222"
SHORT: dict[str, Any] = {"writers": 2, "lines_per_writer": 1, "timeout_seconds": 300}

pytestmark = pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")
"""Kubernetes has no say in networks."""


@pytest.fixture
def vpc(cloud: EmbeddedCloud) -> SomebodysVpc:
    """Two private subnets in each of its two zones, one of them in carrier-grade addresses, and options of its own."""
    made = SomebodysVpc.made(cloud.client("ec2"))
    made.ec2.associate_vpc_cidr_block(VpcId=made.vpc_id, CidrBlock="100.64.0.0/16")
    for number, zone in enumerate(ZONES):
        second = subnet(made.ec2, made.vpc_id, zone, f"100.64.{number}.0/24")
        made.ec2.associate_route_table(RouteTableId=made.table_id, SubnetId=second)
        made.subnet_ids.append(second)
    wanted = {"domain-name": ["corp.example"], "domain-name-servers": ["AmazonProvidedDNS"]}
    options = [{"Key": key, "Values": values} for key, values in wanted.items()]
    options_id = made.ec2.create_dhcp_options(DhcpConfigurations=options)["DhcpOptions"]["DhcpOptionsId"]
    made.ec2.associate_dhcp_options(DhcpOptionsId=options_id, VpcId=made.vpc_id)
    return with_its_way_out(made)


def with_its_way_out(vpc: SomebodysVpc) -> SomebodysVpc:
    """Once its NAT gateway is there."""

    def is_available() -> bool:
        (gateway,) = vpc.ec2.describe_nat_gateways(NatGatewayIds=[vpc.nat_id])["NatGateways"]
        return bool(gateway["State"] == "available")

    until(is_available, f"{vpc.nat_id} to be available")
    return vpc


def test_subnets_that_another_account_shares_are_planned_used_and_left_as_they_were(
    cloud: EmbeddedCloud, machine: Machine, vpc: SomebodysVpc
) -> None:
    ec2_sharing.share(live.backend(cloud.account_id, cloud.region), vpc.vpc_id, OWNER, vpc.subnet_ids)
    before = described(vpc)
    request = {"cluster": {"name": "taking-part"}, "network": vpc.asked, "verification": SHORT}
    planned = machine.run({**request, "mode": "plan"})
    assert planned.status == "SUCCEEDED", planned.cause
    assert {each["action"] for each in planned.output["changes"]} == {"create"}
    # The one thing that is not seen of the network is not told of, rather than all of it.
    assert [f"which account {OWNER} shows nobody" in each for each in planned.output["warnings"][-4:]] == [True] * 4
    run = machine.run(request)
    assert run.status == "SUCCEEDED", run.cause
    assert len(run.output["file_system"]["mount_targets"]) == len(ZONES)
    config = cloud.client("eks").describe_cluster(name="taking-part")["cluster"]["resourcesVpcConfig"]
    (group,) = vpc.ec2.describe_security_groups(GroupIds=config["securityGroupIds"])["SecurityGroups"]
    assert (group["GroupName"], group["OwnerId"]) == ("taking-part-efs", cloud.account_id)
    assert described(vpc) == before
    assert "could not be read" not in str(run.exited("Check account"))

    teardown = Machine(cloud, machine.outputs, "Teardown")
    delete = {"file_system_id": run.output["file_system"]["id"]}
    removed = teardown.run({"cluster_name": "taking-part", "delete_data": delete, "delete_logs": True})
    assert removed.status == "SUCCEEDED", removed.cause
    here = [{"Name": "vpc-id", "Values": [vpc.vpc_id]}]
    assert vpc.ec2.describe_security_groups(Filters=here)["SecurityGroups"] == []
    assert vpc.ec2.describe_network_interfaces(Filters=here)["NetworkInterfaces"] == []
    assert described(vpc) == before


def test_an_isolated_vpc_needs_the_endpoints_of_fargate_and_a_missing_one_is_named_before_anything_is_made(
    cloud: EmbeddedCloud, machine: Machine, vpc: SomebodysVpc
) -> None:
    vpc.subnet_ids = vpc.subnet_ids[:2]
    vpc.isolate()
    image = f"{cloud.account_id}.dkr.ecr.{cloud.region}.amazonaws.com/mirror/busybox:1.37"
    request = {"cluster": {"name": "isolated"}, "network": vpc.asked, "verification": {**SHORT, "image": image}}
    run = machine.run(request)
    assert run.status == "SUCCEEDED", run.cause

    service = f"com.amazonaws.{cloud.region}.ecr.dkr"
    here = [{"Name": "service-name", "Values": [service]}, {"Name": "vpc-id", "Values": [vpc.vpc_id]}]
    (endpoint,) = vpc.ec2.describe_vpc_endpoints(Filters=here)["VpcEndpoints"]
    vpc.ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint["VpcEndpointId"]])
    for mode in ("plan", "apply"):
        refused = machine.run({**request, "mode": mode, "cluster": {"name": "isolated-more"}})
        assert (refused.status, refused.error) == ("FAILED", "TerminalError")
        assert f"not the VPC endpoints that Fargate needs: {service};" in refused.cause.replace(" (", ";")


def described(vpc: SomebodysVpc) -> dict[str, Any]:
    """What an existing network must keep: its subnets, routes and attributes."""
    here = [{"Name": "vpc-id", "Values": [vpc.vpc_id]}]
    subnets = vpc.ec2.describe_subnets(Filters=here)["Subnets"]
    return {
        "vpc": vpc.ec2.describe_vpcs(VpcIds=[vpc.vpc_id])["Vpcs"],
        "subnets": [{k: v for k, v in each.items() if k != "AvailableIpAddressCount"} for each in subnets],
        "route tables": vpc.ec2.describe_route_tables(Filters=here)["RouteTables"],
    }
