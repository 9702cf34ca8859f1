"""The function of state "Find existing"."""

import json

from tests.unit.functions.conftest import Invoke
from tests.unit.resources.samples import NETWORK


def test_nothing_is_there_before_the_first_run(invoke: Invoke) -> None:
    assert not any(invoke("find_existing").values())


def test_what_is_there_is_named(invoke: Invoke) -> None:
    invoke("ensure_network")
    network = invoke("ensure_network")
    group_id = invoke("ensure_security_group", network=network)["security_group_id"]
    file_system_id = invoke("ensure_file_system")["file_system_id"]
    invoke("ensure_cluster", network=NETWORK.facts())
    answer = invoke("find_existing")
    assert json.loads(json.dumps(answer)) == answer
    assert answer["security_group_id"] == group_id
    assert answer["file_system_id"] == file_system_id
    assert (answer["cluster"], answer["fargate_profiles"]) == ("eks-example", [])
