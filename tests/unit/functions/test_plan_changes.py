"""The function of state "Plan changes"."""

import json

from tests.unit.functions.conftest import Invoke


def test_what_is_missing_is_to_create_and_what_is_there_is_unchanged(invoke: Invoke) -> None:
    before = invoke("plan_changes")
    assert json.loads(json.dumps(before)) == before
    assert before["status"] == "Planned"
    stack = "network stack eks-efs-provisioner-eks-example-network"
    assert (before["changes"][0]["resource"], before["changes"][0]["action"]) == (stack, "create")
    invoke("ensure_network")
    invoke("ensure_network")
    after = invoke("plan_changes")
    assert after["unchanged"][0] == stack
    assert after["warnings"] == ["cluster_endpoint_is_open_to_the_internet"]
