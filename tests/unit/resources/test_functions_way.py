"""What keeps functions in a VPC from a private endpoint is told with what to do, as far as it is seen."""

from typing import Any

import pytest

from local.vpcs import Vpc, join, make, peer
from provisioner.difference import Difference, drift
from provisioner.resources import functions_way, functions_way_drift
from provisioner.resources.functions_access import OUTSIDE, Functions
from provisioner.resources.functions_way import FunctionsWay
from provisioner.resources.vpc import Network, subnets_of
from tests.unit.resources.aws_calls import alter
from tests.unit.resources.samples import ACCOUNT_ID, request_for
from tests.unit.resources.test_peer import to

ZONES = ("ap-northeast-1a", "ap-northeast-1c")


@pytest.fixture
def theirs(ec2: Any) -> Vpc:
    return make(ec2, "10.1.0.0/16", ZONES)


@pytest.fixture
def clusters(ec2: Any) -> Vpc:
    return make(ec2, "10.2.0.0/16", ZONES)


def group(ec2: Any, vpc: Vpc, name: str) -> str:
    return str(ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc.vpc_id)["GroupId"])


def look(ec2: Any, theirs: Vpc, clusters: Vpc | None, *groups: str, group_id: str | None = None) -> FunctionsWay:
    request = request_for(cluster={"endpoint_access": "private"})
    there = Network.from_subnets(clusters.vpc_id, subnets_of(clusters.subnet_ids, ec2)) if clusters else None
    return functions_way.look(request, Functions(ACCOUNT_ID, theirs.subnet_ids, groups), there, ec2, group_id=group_id)


def told(way: FunctionsWay) -> str:
    return "; ".join(each.what for each in way.problems)


def test_in_the_clusters_vpc_and_in_one_that_is_peered_there_and_back_nothing_lacks(
    ec2: Any, theirs: Vpc, clusters: Vpc
) -> None:
    assert look(ec2, clusters, clusters) == FunctionsWay()
    peer(ec2, theirs, clusters)
    assert look(ec2, theirs, clusters) == FunctionsWay()


def test_what_is_not_peered_is_told(ec2: Any, theirs: Vpc, clusters: Vpc) -> None:
    assert f"no active peering joins {theirs.vpc_id} and {clusters.vpc_id}" in told(look(ec2, theirs, clusters))


@pytest.mark.parametrize("side", ["theirs", "clusters"])
def test_either_route_table_is_named_with_what_it_lacks(side: str, ec2: Any, theirs: Vpc, clusters: Vpc) -> None:
    peering_id = peer(ec2, theirs, clusters)
    here, there = (theirs, clusters) if side == "theirs" else (clusters, theirs)
    ec2.delete_route(RouteTableId=here.table_id, DestinationCidrBlock=there.cidr)
    (problem,) = look(ec2, theirs, clusters).problems
    assert problem.what.startswith(f"the functions do not reach a private endpoint: {here.table_id} of {here.vpc_id}")
    assert f"to {peering_id} in {here.table_id}" in problem.remedy


def test_a_cluster_security_group_that_admits_neither_their_group_nor_their_addresses_is_named(
    ec2: Any, clusters: Vpc
) -> None:
    functions, of_cluster = group(ec2, clusters, "functions"), group(ec2, clusters, "cluster")
    (problem,) = look(ec2, clusters, clusters, functions, group_id=of_cluster).problems
    assert problem.what.startswith(f"{of_cluster} admits neither {functions}, which the functions have, nor 10.2.")
    assert problem.remedy == f"run again, which lets {of_cluster} admit {functions}"
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [{"GroupId": functions}]}
    ec2.authorize_security_group_ingress(GroupId=of_cluster, IpPermissions=[https])
    assert look(ec2, clusters, clusters, functions, group_id=of_cluster).problems == []


def drifted(ec2: Any, theirs: Vpc, clusters: Vpc, functions: str, of_cluster: str) -> list[Difference]:
    request = request_for(cluster={"endpoint_access": "private"})
    config = {"vpcId": clusters.vpc_id, "subnetIds": clusters.subnet_ids, "clusterSecurityGroupId": of_cluster}
    inside, found = Functions(ACCOUNT_ID, theirs.subnet_ids, (functions,)), {"resourcesVpcConfig": config}
    return drift(functions_way_drift.inspect(request, inside, found, ec2))  # type: ignore[arg-type]


@pytest.mark.parametrize(("link", "repairable"), [(peer, True), (join, False)])
def test_a_group_that_no_longer_admits_them_is_a_runs_to_mend_over_a_peering_and_a_persons_behind_a_transit_gateway(
    link: Any, repairable: bool, ec2: Any, theirs: Vpc, clusters: Vpc
) -> None:
    link(ec2, theirs, clusters)
    alter(ec2, "SearchTransitGatewayRoutes", lambda parsed: parsed.update(Routes=[to(theirs), to(clusters)]))
    functions, of_cluster = group(ec2, theirs, "functions"), group(ec2, clusters, "cluster")
    (told,) = drifted(ec2, theirs, clusters, functions, of_cluster)
    assert (told.repairable, str(told.severity)) == (repairable, "critical")
    if repairable:
        assert (told.resource, told.path) == (f"security group {of_cluster}", f"ingress.443/tcp.{functions}")
    else:
        assert told.path == f"ingress.443/tcp.{of_cluster}"
        assert told.fix.startswith(f"let {of_cluster} admit 10.1.")
    https: dict[str, Any] = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    https["IpRanges"] = [{"CidrIp": theirs.cidr}]
    ec2.authorize_security_group_ingress(GroupId=of_cluster, IpPermissions=[https])
    assert drifted(ec2, theirs, clusters, functions, of_cluster) == []


def test_subnets_that_are_not_seen_and_a_network_that_is_yet_to_be_made_leave_it_open(ec2: Any, theirs: Vpc) -> None:
    elsewhere = Vpc("vpc-1", "10.9.0.0/16", ("subnet-00000000000000000",), "rtb-1")
    for way, said in (
        (look(ec2, elsewhere, theirs), "their subnets (subnet-00000000000000000) are not seen"),
        (look(ec2, theirs, None), "is yet to be made"),
    ):
        assert way.problems == []
        assert said in way.unseen[0]


@pytest.mark.parametrize("access", ["public", "public_and_private"])
def test_where_the_endpoint_is_public_too_or_they_are_outside_nothing_is_looked_at(access: str, theirs: Vpc) -> None:
    inside = Functions(ACCOUNT_ID, theirs.subnet_ids, ())
    for request, functions in (
        (request_for(cluster={"endpoint_access": access}), inside),
        (request_for(cluster={"endpoint_access": "private"}), OUTSIDE),
    ):
        assert functions_way.look(request, functions, None, None) == FunctionsWay()  # type: ignore[arg-type]
