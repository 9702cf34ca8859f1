"""The function of state "Inspect infrastructure"."""

import json
from typing import Any

from tests.unit.functions.conftest import Invoke
from tests.unit.resources.fake_cloudwatch import FakeCloudWatch


def test_it_reports_what_is_missing_as_the_contract_has_it_and_changes_nothing(invoke: Invoke, ec2: Any) -> None:
    invoke("ensure_network")
    network = invoke("ensure_network")
    group_id = invoke("ensure_security_group", network=network)["security_group_id"]
    cidr = network["private_subnets"][0]["cidr"]
    ec2.revoke_security_group_ingress(GroupId=group_id, IpProtocol="tcp", FromPort=2049, ToPort=2049, CidrIp=cidr)
    answer = invoke("inspect_infrastructure", proven={}, depth="configuration")
    assert json.loads(json.dumps(answer)) == answer
    (difference,) = [each for each in answer["differences"] if group_id in each["resource"]]
    assert difference == {
        "resource": f"security group {group_id}",
        "path": f"ingress.2049/tcp.{cidr}",
        "expected": "allowed",
        "actual": None,
        "severity": "critical",
        "fix": f"a run allows 2049/tcp.{cidr} in {group_id} again",
        "repairable": True,
    }


def test_a_lost_network_is_one_difference_not_one_for_each_thing_in_it(invoke: Invoke) -> None:
    paths = [
        (each["resource"], each["path"])
        for each in invoke("inspect_infrastructure", proven={}, depth="configuration")["differences"]
    ]
    assert ("network stack eks-efs-provisioner-eks-example-network", "exists") in paths
    assert not any(resource.startswith(("security group", "mount target")) for resource, _ in paths)


def test_a_check_with_pods_knows_what_the_file_system_allowed_of_late(
    invoke: Invoke, cloudwatch: FakeCloudWatch
) -> None:
    def found(depth: str = "behaviour") -> Any:
        return invoke("inspect_infrastructure", proven={}, depth=depth)["throughput"]

    assert found() is None
    invoke("ensure_file_system")
    assert found() == {"mode": "elastic", "burst_credit_bytes": None, "io_limit_percent": None}
    cloudwatch.of_file_system = {"BurstCreditBalance": [2e12, 0.0], "PercentIOLimit": [3.0, 98.5]}
    assert found() == {"mode": "elastic", "burst_credit_bytes": 0.0, "io_limit_percent": 98.5}
    assert found("configuration") is None
    cloudwatch.refuses = True
    assert found() is None
