"""The function of state "Remove network"."""

from typing import Any

import pytest

from tests.unit.functions.conftest import Invoke
from tests.unit.resources.aws_calls import http
from tests.unit.resources.networks import SomebodysVpc, stack_becomes


def vpcs(ec2: Any) -> list[str]:
    return [each["VpcId"] for each in ec2.describe_vpcs()["Vpcs"] if not each["IsDefault"]]


@pytest.fixture
def deletions(cloudformation: Any) -> list[str]:
    """Names of stacks whose deletion was asked for: moto's deletes at once, and cannot delete a VPC's default group."""
    asked: list[str] = []

    def answer(params: Any, model: Any, **_: Any) -> Any:
        asked.append(params["body"]["StackName"])
        return http(200), {"ResponseMetadata": {"HTTPStatusCode": 200}}

    cloudformation.meta.events.register_first("before-call.cloudformation.DeleteStack", answer)
    return asked


def test_the_stack_is_deleted_once_and_waited_for(invoke: Invoke, cloudformation: Any, deletions: list[str]) -> None:
    invoke("ensure_network")
    assert invoke("remove_network", existing=None)["reason"] == "Deleting"
    stack_becomes(cloudformation, StackStatus="DELETE_IN_PROGRESS")
    assert invoke("remove_network", existing=None)["reason"] == "Deleting"
    assert deletions == ["eks-efs-provisioner-eks-example-network"]
    stack_becomes(cloudformation, StackStatus="DELETE_COMPLETE")
    assert invoke("remove_network", existing=None)["ready"]


def test_interfaces_that_go_late_are_waited_for_and_named(invoke: Invoke, ec2: Any, deletions: list[str]) -> None:
    invoke("ensure_network")
    network = invoke("ensure_network")
    subnet_id = network["private_subnets"][0]["subnet_id"]
    interface = ec2.create_network_interface(SubnetId=subnet_id, Description="pod")
    interface_id = interface["NetworkInterface"]["NetworkInterfaceId"]
    answer = invoke("remove_network", existing=None)
    assert (answer["reason"], answer["waiting_for"]) == (
        "WaitingForNetworkInterfaces",
        [f"{interface_id} (pod)"],
    )
    assert deletions == []
    ec2.delete_network_interface(NetworkInterfaceId=interface_id)
    assert invoke("remove_network", existing=None)["reason"] == "Deleting"
    assert deletions


@pytest.mark.parametrize("existing", [None, {}])
def test_somebodys_vpc_is_never_touched(invoke: Invoke, ec2: Any, existing: Any) -> None:
    request = invoke.request(network=SomebodysVpc.made(ec2).asked)
    assert invoke("remove_network", request=request, existing=existing)["ready"]
    assert vpcs(ec2)


def test_a_network_that_was_there_before_a_run_is_left_by_its_roll_back(invoke: Invoke, ec2: Any) -> None:
    invoke("ensure_network")
    existing = invoke("find_existing")
    assert existing["network_stack_id"]
    assert invoke("remove_network", existing=existing)["ready"]
    assert vpcs(ec2)
