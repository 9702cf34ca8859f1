"""A cluster with a private endpoint is built and checked by functions in its VPC, or in one that is peered with it."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.aws.hooks import Call
from local.cloud import EmbeddedCloud
from local.faults.drift import CHANGES
from local.vpcs import Vpc, give_way_out, make, peer
from tests.end_to_end.drifting import Proven, told_apart
from tests.end_to_end.runs import Machine
from tests.end_to_end.test_existing_networks import with_its_way_out
from tests.end_to_end.test_provision import published
from tests.unit.resources.networks import ZONES, SomebodysVpc


@pytest.fixture(scope="module")
def vpc(cloud: EmbeddedCloud) -> SomebodysVpc:
    return with_its_way_out(SomebodysVpc.made(cloud.client("ec2")))


@pytest.fixture(scope="module")
def functions_group(vpc: SomebodysVpc) -> str:
    made = vpc.ec2.create_security_group(GroupName="functions", Description="functions", VpcId=vpc.vpc_id)
    return str(made["GroupId"])


@pytest.fixture(scope="module")
def inside(cloud: EmbeddedCloud, machine: Machine, vpc: SomebodysVpc, functions_group: str) -> Iterator[Machine]:
    """The stack as it was, its functions in the VPC for the time being."""
    place = {"SubnetIds": ",".join(vpc.subnet_ids), "SecurityGroupIds": functions_group}
    yield Machine(cloud, cloud.deploy(parameters=place))
    cloud.deploy(parameters=dict.fromkeys(place, ""))


@pytest.fixture(scope="module")
def asked(vpc: SomebodysVpc) -> dict[str, Any]:
    return {
        "cluster": {"name": "behind-doors", "endpoint_access": "private"},
        "network": vpc.asked,
        "verification": {"writers": 1, "lines_per_writer": 1},
    }


@pytest.fixture(scope="module")
def behind_doors(cloud: EmbeddedCloud, inside: Machine, asked: dict[str, Any]) -> Proven:
    return Proven.of(inside, Machine(cloud, inside.outputs, "Reverify"), asked)


def test_functions_in_the_clusters_vpc_build_it_because_its_security_group_is_made_to_admit_theirs(
    behind_doors: Proven, vpc: SomebodysVpc, functions_group: str
) -> None:
    (rule,) = rules_for_https(behind_doors, vpc)
    assert [pair["GroupId"] for pair in rule["UserIdGroupPairs"]] == [functions_group]
    assert not any(rule[each] for each in ("IpRanges", "Ipv6Ranges", "PrefixListIds"))


def rules_for_https(proven: Proven, vpc: SomebodysVpc) -> list[Any]:
    group_id = proven.scene.cluster.vpc_config["clusterSecurityGroupId"]
    (group,) = vpc.ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
    return [each for each in group["IpPermissions"] if each.get("FromPort") == 443]


@pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")
def test_a_rule_for_the_functions_that_is_gone_is_planned_and_told_and_repaired(
    behind_doors: Proven, inside: Machine, asked: dict[str, Any], vpc: SomebodysVpc
) -> None:
    change, names = CHANGES["functions-kept-out"], behind_doors.names
    assert behind_doors.look().output["drift"] == []
    change.make(behind_doors.scene)
    (planned,) = inside.run({**asked, "mode": "plan"}).output["changes"]
    assert planned["action"] == "change"
    assert told_apart([change], names, planned["differences"]) == {change.name: 1}
    run = behind_doors.look(remediate=True)
    assert told_apart([change], names, run.output["repaired"]) == {change.name: 1}
    assert (run.output["status"], run.output["drift"], run.output["refused"]) == ("Verified", [], [])
    assert len(rules_for_https(behind_doors, vpc)) == 1


@pytest.fixture(scope="module")
def peered(vpc: SomebodysVpc) -> Vpc:
    """A VPC for a cluster, with a way out of its own, peered with the functions', without the routes back."""
    clusters = make(vpc.ec2, "10.30.0.0/16", ZONES)
    give_way_out(vpc.ec2, clusters, ZONES[0])
    functions = Vpc(vpc.vpc_id, "10.0.0.0/16", tuple(vpc.subnet_ids), vpc.table_id)
    peer(vpc.ec2, functions, clusters)
    vpc.ec2.delete_route(RouteTableId=clusters.table_id, DestinationCidrBlock=functions.cidr)
    return clusters


def test_from_a_peered_vpc_it_is_built_once_routes_lead_there_and_back_and_refused_before_anything_is_made_until_then(
    cloud: EmbeddedCloud, inside: Machine, vpc: SomebodysVpc, peered: Vpc
) -> None:
    request = {
        "cluster": {"name": "next-door", "endpoint_access": "private"},
        "network": {"vpc_id": peered.vpc_id, "private_subnet_ids": list(peered.subnet_ids)},
        "verification": {"writers": 1, "lines_per_writer": 1},
    }
    for mode in ("plan", "apply"):
        refused = inside.run({**request, "mode": mode})
        assert (refused.status, refused.error) == ("FAILED", "TerminalError")
        lacks = f"{peered.table_id} of {peered.vpc_id} has no way to 10.0.2.0/24, 10.0.1.0/24 of {vpc.vpc_id}"
        assert f"the functions do not reach a private endpoint: {lacks}" in refused.cause
    filters = [
        {"Name": "requester-vpc-info.vpc-id", "Values": [vpc.vpc_id]},
        {"Name": "accepter-vpc-info.vpc-id", "Values": [peered.vpc_id]},
    ]
    (peering,) = vpc.ec2.describe_vpc_peering_connections(Filters=filters)["VpcPeeringConnections"]
    back = {"DestinationCidrBlock": "10.0.0.0/16", "VpcPeeringConnectionId": peering["VpcPeeringConnectionId"]}
    vpc.ec2.create_route(RouteTableId=peered.table_id, **back)

    # While it is built somebody takes the route away: what the functions then do not reach is proved, with the route.
    def take_it_away(_: Call) -> None:
        disarm()
        vpc.ec2.delete_route(RouteTableId=peered.table_id, DestinationCidrBlock="10.0.0.0/16")

    disarm = cloud.server.hooks.after("eks:CreateFargateProfile", take_it_away)
    failed = inside.run(request)
    (event,) = published(cloud, "Storage Cluster Failed", failed.arn)
    first = event["diagnosis"][0]
    assert (event["failure"]["state"], first["rule"], first["verdict"]) == (
        "Apply storage",
        "cluster-endpoint-unreachable",
        "proved",
    )
    assert f"in {peered.table_id}" in first["fix"]
    vpc.ec2.create_route(RouteTableId=peered.table_id, **back)

    change = CHANGES["functions-route-back-deleted"]
    next_door = Proven.of(inside, Machine(cloud, inside.outputs, "Reverify"), request)
    with next_door.changed(change) as names:
        told = next_door.look(remediate=True)
    assert told_apart([change], names, told.output["refused"]) == {change.name: 1}
