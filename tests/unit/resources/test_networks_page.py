"""docs/networks.md quotes what is told of a network that does not suit: word for word, without the ids."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from tests.unit.resources.aws_calls import alter
from tests.unit.resources.networks import subnet
from tests.unit.resources.test_existing_network import OWNER, Vpc, private_image, shared

PAGE = (Path(__file__).parents[3] / "docs/networks.md").read_text()
OF_A_PEER = "## A file system in another VPC"
"""This section's quotations are test_peer.py's."""
OF_A_LENDER = "### A file system of another account"
"""And this one's are test_lent_file_system.py's."""


def quoted(text: str) -> list[str]:
    return [each for each in re.findall(r"`([^`]+)`", text) if " " in each and not re.fullmatch(r"[\w.]+: \w+", each)]


QUOTED = quoted(PAGE.partition(OF_A_PEER)[0])
ABSENT = "subnet-00000000000000000"


def of_another_vpc(vpc: Vpc) -> str:
    other = vpc.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    return vpc.problems(*vpc.subnet_ids, subnet(vpc.ec2, other, "ap-northeast-1d", "10.9.0.0/24"))


def in_one_zone(vpc: Vpc) -> str:
    return vpc.problems(vpc.subnet_ids[0], subnet(vpc.ec2, vpc.vpc_id, "ap-northeast-1a", "10.0.3.0/24"))


def in_a_local_zone(vpc: Vpc) -> str:
    def local(parsed: Any) -> None:
        for zone in parsed["AvailabilityZones"]:
            zone["ZoneType"] = "local-zone"

    alter(vpc.ec2, "DescribeAvailabilityZones", local)
    return vpc.problems()


def public(vpc: Vpc) -> str:
    vpc.lead(vpc.table_id, GatewayId=vpc.gateway_id)
    return vpc.problems()


def full(vpc: Vpc) -> str:
    alter(vpc.ec2, "DescribeSubnets", lambda parsed: parsed["Subnets"][0].update(AvailableIpAddressCount=7))
    return vpc.problems()


def without_host_names(vpc: Vpc) -> str:
    vpc.ec2.modify_vpc_attribute(VpcId=vpc.vpc_id, EnableDnsHostnames={"Value": False})
    return vpc.problems()


def with_other_resolvers(vpc: Vpc) -> str:
    options = [{"Key": "domain-name-servers", "Values": ["10.1.2.3"]}]
    made = vpc.ec2.create_dhcp_options(DhcpConfigurations=options)["DhcpOptions"]["DhcpOptionsId"]
    vpc.ec2.associate_dhcp_options(DhcpOptionsId=made, VpcId=vpc.vpc_id)
    return "; ".join(vpc.check().warnings)


def without_a_way_out(vpc: Vpc) -> str:
    vpc.lead(vpc.table_id)
    return vpc.problems()


def shared_without_a_way_out(vpc: Vpc) -> str:
    vpc.lead(vpc.table_id)
    return "; ".join(shared(vpc).check(verification=private_image()).warnings)


# What a client's answers were altered to, they stay: those that do so come last.
TOLD: list[Callable[[Vpc], str]] = [
    lambda vpc: vpc.problems(*vpc.subnet_ids, ABSENT),
    of_another_vpc,
    in_one_zone,
    public,
    without_host_names,
    with_other_resolvers,
    without_a_way_out,
    full,
    lambda vpc: "; ".join(shared(vpc).check().warnings),
    shared_without_a_way_out,
    lambda vpc: shared(vpc).problems(*vpc.subnet_ids, ABSENT),
    in_a_local_zone,
]


@pytest.fixture
def told(ec2: Any) -> str:
    return "\n".join(tell(cast(Vpc, Vpc.made(ec2))) for tell in TOLD)


def test_what_the_page_quotes_is_what_is_told(told: str) -> None:
    without_ids = re.sub(r"\b(subnet|vpc|rtb|nat|igw)-[0-9a-f]{8,}", r"\1-…", told)
    without_ids = without_ids.replace(OWNER, "…").replace("ap-northeast-1c", "…").replace("ap-northeast-1a", "…")
    assert len(QUOTED) > len(TOLD)
    assert [each for each in QUOTED if each not in without_ids] == []
