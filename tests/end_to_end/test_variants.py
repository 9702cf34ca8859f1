"""Requests that are not the default one."""

from typing import Any

from local.cloud import EmbeddedCloud
from tests.end_to_end.resources import everything
from tests.end_to_end.runs import Machine


def test_an_access_point_another_namespace_and_a_nat_gateway_per_zone(machine: Machine, cloud: EmbeddedCloud) -> None:
    run = machine.run(
        {
            "cluster": {"name": "variant", "endpoint_access": "public"},
            "network": {"cidr": "10.20.0.0/16", "availability_zones": 2, "nat": "per_zone"},
            "file_system": {"throughput_mode": "bursting", "backup": False, "transition_to_ia": None},
            "storage": {
                "namespace": "orders",
                "persistent_volume": "orders-shared",
                "claim": "shared",
                "access_point": {"uid": 1000, "gid": 1000, "path": "/orders"},
            },
            "verification": {"writers": 5, "lines_per_writer": 7},
        }
    )
    assert run.status == "SUCCEEDED", run.cause
    file_system, storage = run.output["file_system"], run.output["storage"]
    assert storage["volume_handle"] == f"{file_system['id']}::{file_system['access_point_id']}"
    assert len(run.output["evidence"]["writers"]) == 5
    assert len(file_system["mount_targets"]) == 2
    # Pods were on the access point's own directory, not on the root of the file system.
    assert (cloud.directory / "efs" / file_system["id"] / "orders").is_dir()


def test_an_existing_network_is_used_and_not_changed(machine: Machine, cloud: EmbeddedCloud) -> None:
    """Its private subnets are in a range that was added to the VPC later, of carrier-grade addresses."""
    made_by_another = machine.run({"cluster": {"name": "first-tenant"}})
    assert made_by_another.status == "SUCCEEDED", made_by_another.cause
    network: Any = with_a_second_range(cloud, network_of(cloud, "first-tenant"))
    before = described(cloud, network["vpc_id"])
    run = machine.run({"cluster": {"name": "second-tenant"}, "network": network})
    assert run.status == "SUCCEEDED", run.cause
    assert everything(cloud, "second-tenant")["network stack"] == []
    assert described(cloud, network["vpc_id"]) == before
    pods = [*run.output["evidence"]["writers"], run.output["evidence"]["reader"]]
    assert [pod["node"].startswith("fargate-ip-100-64-") for pod in pods] == [True] * len(pods)


def with_a_second_range(cloud: EmbeddedCloud, network: dict[str, Any]) -> dict[str, Any]:
    """Two more private subnets in 100.64.0.0/16, on the route tables of those that there are."""
    ec2, subnet_ids = cloud.client("ec2"), []
    ec2.associate_vpc_cidr_block(VpcId=network["vpc_id"], CidrBlock="100.64.0.0/16")
    for number, beside in enumerate(network["private_subnet_ids"][:2]):
        (subnet,) = ec2.describe_subnets(SubnetIds=[beside])["Subnets"]
        on_table = [{"Name": "association.subnet-id", "Values": [beside]}]
        (table,) = ec2.describe_route_tables(Filters=on_table)["RouteTables"]
        made = ec2.create_subnet(
            VpcId=network["vpc_id"],
            CidrBlock=f"100.64.{number}.0/24",
            AvailabilityZone=subnet["AvailabilityZone"],
        )["Subnet"]["SubnetId"]
        ec2.associate_route_table(RouteTableId=table["RouteTableId"], SubnetId=made)
        subnet_ids.append(made)
    return {**network, "private_subnet_ids": subnet_ids}


def network_of(cloud: EmbeddedCloud, cluster: str) -> dict[str, Any]:
    config = cloud.client("eks").describe_cluster(name=cluster)["cluster"]["resourcesVpcConfig"]
    return {"vpc_id": config["vpcId"], "private_subnet_ids": config["subnetIds"]}


def described(cloud: EmbeddedCloud, vpc_id: str) -> dict[str, Any]:
    """What an existing network must keep: its subnets, routes and attributes."""
    ec2, here = cloud.client("ec2"), [{"Name": "vpc-id", "Values": [vpc_id]}]
    subnets = ec2.describe_subnets(Filters=here)["Subnets"]
    return {
        "vpc": ec2.describe_vpcs(VpcIds=[vpc_id])["Vpcs"],
        "subnets": [{k: v for k, v in subnet.items() if k != "AvailableIpAddressCount"} for subnet in subnets],
        "route tables": ec2.describe_route_tables(Filters=here)["RouteTables"],
    }
