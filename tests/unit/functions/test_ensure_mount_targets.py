import json
from typing import Any

from tests.unit.functions.conftest import Invoke


def test_it_takes_what_the_earlier_states_returned_and_is_ready_with_an_address_per_zone(
    invoke: Invoke, efs_backend: Any
) -> None:
    invoke("ensure_network")
    network = invoke("ensure_network")
    payload = {
        "network": network,
        "security_group_id": invoke("ensure_security_group", network=network)["security_group_id"],
        "file_system_id": invoke("ensure_file_system")["file_system_id"],
    }
    answer = invoke("ensure_mount_targets", **payload)
    assert json.loads(json.dumps(answer)) == answer
    assert answer["ready"]
    zones = [subnet["availability_zone_id"] for subnet in network["private_subnets"]]
    assert [each["availability_zone_id"] for each in answer["mount_targets"]] == zones
    efs_backend.file_systems_by_id[payload["file_system_id"]].life_cycle_state = "creating"
    assert invoke("ensure_mount_targets", **payload)["reason"] == "WaitingForFileSystem"
