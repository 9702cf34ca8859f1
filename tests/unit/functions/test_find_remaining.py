"""The function of state "Find remaining"."""

import json
from typing import Any

from tests.unit.functions.conftest import Invoke
from tests.unit.resources.samples import request_for

REMOVAL = {"file_system_id": None, "delete_data_of": None, "delete_logs": False, "existing": None}


def test_it_tells_what_is_still_there_as_the_contract_has_it_and_changes_nothing(invoke: Invoke, ec2: Any) -> None:
    invoke("ensure_network")
    network = invoke("ensure_network")
    group_id = invoke("ensure_security_group", network=network)["security_group_id"]
    answer = invoke("find_remaining", removal={**REMOVAL, "request": request_for().model_dump(mode="json")})
    assert json.loads(json.dumps(answer)) == answer
    assert answer["goes"] == [
        {"resource": "security group", "id": group_id},
        {"resource": "network stack", "id": "eks-efs-provisioner-eks-example-network"},
        {"resource": "network", "id": network["vpc_id"]},
    ]
    assert (answer["stays"], answer["obstacles"], answer["file_system"]) == ([], [], None)
    assert ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
