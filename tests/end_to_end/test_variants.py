"""Requests that are not the default one."""

from typing import Any

import pytest

from local.cloud import EmbeddedCloud
from tests.end_to_end.runs import Machine, Run

VARIANT: dict[str, Any] = {
    "cluster": {
        "name": "variant",
        "endpoint_access": "public",
        "upgrade_policy": "EXTENDED",
        "service_ipv4_cidr": "172.30.0.0/16",
    },
    "network": {
        "cidr": "10.20.0.0/16",
        "availability_zones": ["apne1-az4", "apne1-az2"],
        "private_subnet_prefix_length": 26,
        "nat": "per_zone",
    },
    "file_system": {"throughput_mode": "bursting", "backup": False, "transition_to_ia": None},
    "storage": {
        "namespace": "orders",
        "persistent_volume": "orders-shared",
        "claim": "shared",
        "access_point": {"uid": 1000, "gid": 1000, "path": "/orders"},
    },
    "verification": {"writers": 5, "lines_per_writer": 7},
}


@pytest.fixture(scope="module")
def variant(machine: Machine) -> Run:
    run = machine.run(VARIANT)
    assert run.status == "SUCCEEDED", run.cause
    return run


def test_an_access_point_another_namespace_zones_by_id_small_subnets_and_a_range_for_services(
    variant: Run, cloud: EmbeddedCloud
) -> None:
    run = variant
    file_system, storage = run.output["file_system"], run.output["storage"]
    assert storage["volume_handle"] == f"{file_system['id']}::{file_system['access_point_id']}"
    assert len(run.output["evidence"]["writers"]) == 5
    zones = [target["availability_zone_id"] for target in file_system["mount_targets"]]
    assert sorted(zones) == ["apne1-az2", "apne1-az4"]
    made = cloud.client("eks").describe_cluster(name="variant")["cluster"]
    assert made["upgradePolicy"] == {"supportType": "EXTENDED"}
    assert made["kubernetesNetworkConfig"]["serviceIpv4Cidr"] == "172.30.0.0/16"
    subnets = cloud.client("ec2").describe_subnets(SubnetIds=made["resourcesVpcConfig"]["subnetIds"])["Subnets"]
    assert {subnet["CidrBlock"] for subnet in subnets} == {"10.20.96.0/26", "10.20.128.0/26"}
    # Pods were on the access point's own directory, not on the root of the file system.
    assert (cloud.directory / "efs" / file_system["id"] / "orders").is_dir()


@pytest.mark.usefixtures("variant")
def test_what_cannot_be_changed_later_is_refused_by_its_field_in_a_plan_too(machine: Machine) -> None:
    cluster = VARIANT["cluster"] | {"service_ipv4_cidr": "172.31.0.0/16"}
    network = VARIANT["network"] | {"availability_zones": ["apne1-az1", "apne1-az4"]}
    asked = VARIANT | {"cluster": cluster, "network": network}
    planned = machine.run({**asked, "mode": "plan"}).output["changes"]
    assert [(each["action"], [difference["path"] for difference in each["differences"]]) for each in planned] == [
        ("replace_by_hand", ["parameters.Zones"]),
        ("replace_by_hand", ["kubernetesNetworkConfig.service_ipv4_cidr"]),
    ]
    run = machine.run(asked)
    assert run.cause.startswith("Ensure network: Immutable: ")
    assert "network.availability_zones is apne1-az2, apne1-az4, asked for apne1-az1, apne1-az4" in run.cause
    run = machine.run(VARIANT | {"cluster": cluster})
    assert run.cause.startswith("Ensure cluster: Immutable: ")
    assert "cluster.service_ipv4_cidr is 172.30.0.0/16, asked for 172.31.0.0/16" in run.cause
