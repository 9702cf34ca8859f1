from typing import Any

from tests.unit.functions.conftest import Invoke
from tests.unit.resources.samples import NETWORK


def test_it_is_ready_at_once_with_the_groups_id(invoke: Invoke, ec2: Any) -> None:
    vpc_id = ec2.create_vpc(CidrBlock="192.168.0.0/16")["Vpc"]["VpcId"]
    answer = invoke("ensure_security_group", network={**NETWORK.facts(), "vpc_id": vpc_id})
    assert (answer["ready"], answer["reason"], answer["retry_after_seconds"]) == (True, "Ready", 0)
    (group,) = ec2.describe_security_groups(GroupIds=[answer["security_group_id"]])["SecurityGroups"]
    assert group["VpcId"] == vpc_id
