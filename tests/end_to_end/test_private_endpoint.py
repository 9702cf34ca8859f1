"""A cluster whose endpoint is private is built by functions in its VPC, or in one that is peered with it."""

from collections.abc import Iterator

import pytest

from local.cloud import EmbeddedCloud
from tests.end_to_end.runs import Machine
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


def test_functions_in_the_clusters_vpc_build_it_because_its_security_group_is_made_to_admit_theirs(
    cloud: EmbeddedCloud, inside: Machine, vpc: SomebodysVpc, functions_group: str
) -> None:
    run = inside.run(
        {
            "cluster": {"name": "behind-doors", "endpoint_access": "private"},
            "network": vpc.asked,
            "verification": {"writers": 1, "lines_per_writer": 1},
        }
    )
    assert run.status == "SUCCEEDED", run.cause
    config = cloud.client("eks").describe_cluster(name="behind-doors")["cluster"]["resourcesVpcConfig"]
    (group,) = vpc.ec2.describe_security_groups(GroupIds=[config["clusterSecurityGroupId"]])["SecurityGroups"]
    (rule,) = [each for each in group["IpPermissions"] if each.get("FromPort") == 443]
    assert [pair["GroupId"] for pair in rule["UserIdGroupPairs"]] == [functions_group]
    assert not any(rule[each] for each in ("IpRanges", "Ipv6Ranges", "PrefixListIds"))
