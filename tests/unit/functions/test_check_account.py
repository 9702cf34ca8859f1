"""The function of state "Check account"."""

import json
from typing import Any

import pytest

from provisioner.errors import TerminalError
from tests.unit.functions.conftest import Invoke
from tests.unit.resources.aws_calls import Calls
from tests.unit.resources.fake_eks import FakeEks
from tests.unit.resources.fake_quotas import FakeQuotas
from tests.unit.resources.samples import request_for


def test_an_account_with_room_is_no_obstacle_and_nothing_is_changed(
    invoke: Invoke, ec2: Any, efs: Any, eks: FakeEks, cloudformation: Any
) -> None:
    calls = Calls(ec2, efs, eks.client, cloudformation)
    answer = invoke("check_account")
    assert json.loads(json.dumps(answer)) == answer == {"warnings": []}
    assert calls.mutating == []


def test_all_that_would_end_the_run_is_told_in_one_message(
    invoke: Invoke, kms: Any, service_quotas: FakeQuotas
) -> None:
    service_quotas.applied |= {"L-F678F1CE": 1, "L-1194D53C": 0}
    key = kms.create_key()["KeyMetadata"]
    kms.disable_key(KeyId=key["KeyId"])
    asked = request_for(file_system={"kms_key_arn": key["Arn"]}).model_dump(mode="json")
    with pytest.raises(TerminalError) as refused:
        invoke("check_account", request=asked)
    message = str(refused.value)
    assert message.startswith("UnsuitableAccount: ")
    for said in ("L-F678F1CE (VPCs per Region) is 1", "L-1194D53C (Clusters) is 0", f"{key['Arn']} is Disabled"):
        assert said in message
    assert message.endswith("nothing was created; correct this and start again")
