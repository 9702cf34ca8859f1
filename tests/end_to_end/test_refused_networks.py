"""A VPC that cannot work is refused before anything is created, by a run and by its plan, with every reason at once."""

from typing import Any

import pytest

from local.cloud import EmbeddedCloud
from tests.end_to_end.resources import mutating
from tests.end_to_end.runs import Machine

pytestmark = pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")


@pytest.mark.parametrize("mode", ["apply", "plan"])
def test_all_that_ails_a_vpc_is_told_at_once_and_nothing_is_created(
    mode: str, cloud: EmbeddedCloud, machine: Machine
) -> None:
    ec2 = cloud.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]
    vpc_id, six = vpc["VpcId"], vpc["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"].replace("/56", "/64")

    def subnet(zone: str, number: int) -> str:
        made: Any = ec2.create_subnet(VpcId=vpc_id, AvailabilityZone=zone, CidrBlock=f"10.77.{number}.0/24")
        return str(made["Subnet"]["SubnetId"])

    isolated, isolated_too = subnet("ap-northeast-1a", 1), subnet("ap-northeast-1c", 2)
    local = subnet("ap-northeast-1-tpe-1a", 3)
    made = ec2.create_subnet(VpcId=vpc_id, AvailabilityZone="ap-northeast-1d", Ipv6Native=True, Ipv6CidrBlock=six)
    without_ipv4 = made["Subnet"]["SubnetId"]
    (described,) = ec2.describe_subnets(SubnetIds=[without_ipv4])["Subnets"]
    assert (described.get("CidrBlock"), described["AvailableIpAddressCount"]) == (None, 0)
    seen = len(cloud.server.calls)
    run = machine.run(
        {
            "mode": mode,
            "cluster": {"name": f"refused-{mode}"},
            "network": {"vpc_id": vpc_id, "private_subnet_ids": [isolated, isolated_too, local, without_ipv4]},
        }
    )
    assert (run.status, run.error) == ("FAILED", "TerminalError")
    for said in (
        f"{isolated} has no way out",
        "not the VPC endpoints that Fargate needs: com.amazonaws.ap-northeast-1.ecr.api, ",
        f"{local} is in the local-zone ap-northeast-1-tpe-1a, where there is no Fargate",
        f"{without_ipv4} has no IPv4 addresses, which the cluster's pods and mount targets have",
        "enableDnsHostnames off",
        "verification.image public.ecr.aws/docker/library/busybox:1.37 cannot be pulled",
    ):
        assert said in run.cause
    services = {name.partition(":")[0] for name in mutating(cloud.server.calls[seen:])}
    assert not services & {"ec2", "eks", "efs", "cloudformation"}
