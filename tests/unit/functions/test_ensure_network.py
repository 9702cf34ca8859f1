import json

import pytest

from provisioner.errors import TerminalError
from tests.unit.functions.conftest import Invoke
from tests.unit.resources.samples import request_for


def test_it_is_pending_and_then_ready_with_the_network_that_later_states_take(invoke: Invoke) -> None:
    assert invoke("ensure_network") == {"ready": False, "reason": "Creating", "retry_after_seconds": 15}
    answer = invoke("ensure_network")
    assert json.loads(json.dumps(answer)) == answer
    assert (answer["ready"], len(answer["private_subnets"])) == (True, 3)
    assert invoke("ensure_security_group", network=answer)["ready"]


def test_an_existing_network_is_checked(invoke: Invoke) -> None:
    network = {"vpc_id": "vpc-00000000", "private_subnet_ids": ["subnet-00000001", "subnet-00000002"]}
    with pytest.raises(TerminalError, match="vpc-00000000 does not exist"):
        invoke("ensure_network", request=request_for(network=network).model_dump(mode="json"))
