"""Requests that are not the default one."""

from local.cloud import EmbeddedCloud
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
