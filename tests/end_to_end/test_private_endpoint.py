"""A cluster whose endpoint is private is built by functions in its VPC, once its security group admits them."""

from collections.abc import Iterator

import pytest

from local.cloud import EmbeddedCloud
from tests.end_to_end.runs import Machine
from tests.end_to_end.test_provision import published
from tests.unit.resources.networks import SomebodysVpc

pytestmark = pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")


@pytest.fixture(scope="module")
def vpc(cloud: EmbeddedCloud) -> SomebodysVpc:
    return SomebodysVpc.made(cloud.client("ec2"))


@pytest.fixture(scope="module")
def functions_group(vpc: SomebodysVpc) -> str:
    made = vpc.ec2.create_security_group(GroupName="functions", Description="functions", VpcId=vpc.vpc_id)
    return str(made["GroupId"])


@pytest.fixture(scope="module")
def inside(cloud: EmbeddedCloud, machine: Machine, vpc: SomebodysVpc, functions_group: str) -> Iterator[Machine]:
    """The stack as it was, its functions in the VPC for the time being."""
    place = {"SubnetIds": ",".join(vpc.subnet_ids), "SecurityGroupIds": functions_group}
    yield Machine(cloud, cloud.deploy(parameters=place))
    cloud.deploy(parameters=dict.fromkeys(place, ""))


def test_functions_in_the_vpc_build_it_and_until_they_are_admitted_the_diagnosis_says_by_whom(
    cloud: EmbeddedCloud, inside: Machine, vpc: SomebodysVpc, functions_group: str
) -> None:
    request = {
        "cluster": {"name": "behind-doors", "endpoint_access": "private"},
        "network": vpc.asked,
        "verification": {"writers": 1, "lines_per_writer": 1},
    }
    failed = inside.run(request)
    config = cloud.client("eks").describe_cluster(name="behind-doors")["cluster"]["resourcesVpcConfig"]
    group_id = config["clusterSecurityGroupId"]
    (event,) = published(cloud, "Storage Cluster Failed", failed.arn)
    first = event["diagnosis"][0]
    assert (event["failure"]["state"], first["rule"], first["verdict"]) == (
        "Apply storage",
        "cluster-endpoint-unreachable",
        "possible",
    )
    assert f"let its security group {group_id} admit them at tcp 443" in first["fix"]

    functions = [{"GroupId": functions_group}]
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": functions}
    vpc.ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[https])
    assert inside.run(request).status == "SUCCEEDED"
