import json
from dataclasses import dataclass
from typing import Any, cast

import pytest

from provisioner.errors import ErrorReason
from provisioner.observation import Observation
from provisioner.request import ExistingNetwork
from provisioner.resources import existing_network, network
from provisioner.resources.existing_network import Checked
from tests.unit.resources.aws_calls import Calls, alter
from tests.unit.resources.networks import SomebodysVpc, subnet
from tests.unit.resources.samples import request_for


@dataclass
class Vpc(SomebodysVpc):
    def ensure(self) -> Observation:
        return network.ensure(request_for(network=self.asked), "run", self.ec2, None)  # type: ignore[arg-type]

    def check(self, *subnet_ids: str, vpc_id: str | None = None, **parts: Any) -> Checked:
        asked = {"vpc_id": vpc_id or self.vpc_id, "private_subnet_ids": list(subnet_ids or self.subnet_ids)}
        request = request_for(network=asked, **parts)
        assert isinstance(request.network, ExistingNetwork)
        return existing_network.check(request, request.network, self.ec2)

    def problems(self, *subnet_ids: str, vpc_id: str | None = None, **parts: Any) -> str:
        found = self.check(*subnet_ids, vpc_id=vpc_id, **parts).problems
        assert {each.reason for each in found} == {ErrorReason.UNSUITABLE_NETWORK}
        return "; ".join(each.what for each in found)


@pytest.fixture
def vpc(ec2: Any) -> Vpc:
    return cast(Vpc, Vpc.made(ec2))


def test_a_suitable_vpc_is_ready_and_described_by_zone_id(vpc: Vpc) -> None:
    observation = vpc.ensure()
    assert observation.ready
    assert observation.facts == {
        "vpc_id": vpc.vpc_id,
        "private_subnets": [
            {
                "subnet_id": vpc.subnet_ids[1],
                "availability_zone": "ap-northeast-1c",
                "availability_zone_id": "apne1-az1",
                "cidr": "10.0.2.0/24",
            },
            {
                "subnet_id": vpc.subnet_ids[0],
                "availability_zone": "ap-northeast-1a",
                "availability_zone_id": "apne1-az4",
                "cidr": "10.0.1.0/24",
            },
        ],
        "resolvers": [],
    }


def test_an_existing_vpc_is_never_changed(vpc: Vpc) -> None:
    calls = Calls(vpc.ec2)
    vpc.check()
    vpc.ensure()
    vpc.ec2.modify_vpc_attribute(VpcId=vpc.vpc_id, EnableDnsHostnames={"Value": False})
    vpc.problems()
    assert calls.mutating == ["ModifyVpcAttribute"]  # the test's own


def test_a_vpc_that_does_not_exist_is_named(vpc: Vpc) -> None:
    assert vpc.problems(vpc_id="vpc-00000000000000000") == "vpc-00000000000000000 does not exist"


def test_find_gives_none_for_a_vpc_that_does_not_exist(vpc: Vpc) -> None:
    absent = ExistingNetwork(vpc_id="vpc-00000000000000000", private_subnet_ids=vpc.subnet_ids)
    assert existing_network.find(absent, vpc.ec2) is None


def test_a_subnet_that_does_not_exist_is_named(vpc: Vpc) -> None:
    absent = "subnet-00000000000000000"
    assert vpc.problems(*vpc.subnet_ids, absent) == f"{absent} does not exist"


def test_one_zone_is_too_few(vpc: Vpc) -> None:
    neighbour = subnet(vpc.ec2, vpc.vpc_id, "ap-northeast-1a", "10.0.3.0/24")
    assert "1 availability zone(s)" in vpc.problems(vpc.subnet_ids[0], neighbour)


def test_a_subnet_of_another_vpc_is_named(vpc: Vpc) -> None:
    other_vpc_id = vpc.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    stranger = subnet(vpc.ec2, other_vpc_id, "ap-northeast-1d", "10.9.0.0/24")
    assert vpc.problems(*vpc.subnet_ids, stranger) == f"{stranger} is in {other_vpc_id}, not in {vpc.vpc_id}"


def test_a_subnet_public_through_the_main_route_table_is_named(vpc: Vpc) -> None:
    stray = subnet(vpc.ec2, vpc.vpc_id, "ap-northeast-1d", "10.0.9.0/24")
    filters = [{"Name": "vpc-id", "Values": [vpc.vpc_id]}, {"Name": "association.main", "Values": ["true"]}]
    (main,) = vpc.ec2.describe_route_tables(Filters=filters)["RouteTables"]
    vpc.ec2.create_route(RouteTableId=main["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", GatewayId=vpc.gateway_id)
    problems = vpc.problems(*vpc.subnet_ids, stray)
    assert problems == f"{stray} is public: its route table routes to {vpc.gateway_id}"


def test_a_subnet_public_through_its_own_route_table_is_named(vpc: Vpc) -> None:
    vpc.lead(vpc.table_id, GatewayId=vpc.gateway_id)
    for subnet_id in vpc.subnet_ids:
        assert f"{subnet_id} is public: its route table routes to {vpc.gateway_id}" in vpc.problems()


@pytest.mark.parametrize("attribute", ["EnableDnsSupport", "EnableDnsHostnames"])
def test_dns_attributes_that_are_off_are_named(attribute: str, vpc: Vpc) -> None:
    vpc.ec2.modify_vpc_attribute(VpcId=vpc.vpc_id, **{attribute: {"Value": False}})
    assert attribute.removeprefix("Enable") in vpc.problems()


def test_too_few_free_addresses_are_named(vpc: Vpc) -> None:
    alter(vpc.ec2, "DescribeSubnets", lambda parsed: parsed["Subnets"][0].update(AvailableIpAddressCount=7))
    assert vpc.problems() == f"{vpc.subnet_ids[0]} has 7 free addresses, fewer than 8"


def test_a_zone_without_fargate_is_named(vpc: Vpc) -> None:
    alter(vpc.ec2, "DescribeSubnets", lambda parsed: parsed["Subnets"][0].update(AvailabilityZoneId="apne1-az3"))
    assert "zone apne1-az3" in vpc.problems()


def test_all_problems_are_listed_at_once(vpc: Vpc) -> None:
    vpc.lead(vpc.table_id, GatewayId=vpc.gateway_id)
    vpc.ec2.modify_vpc_attribute(VpcId=vpc.vpc_id, EnableDnsHostnames={"Value": False})
    problems = vpc.problems(vpc.subnet_ids[0], "subnet-00000000000000000")
    for problem in ("does not exist", "availability zone(s)", "is public", "enableDnsHostnames"):
        assert problem in problems


def test_a_subnet_without_ipv4_is_a_problem_and_no_key_error(vpc: Vpc) -> None:
    alter(vpc.ec2, "DescribeSubnets", lambda parsed: parsed["Subnets"][0].pop("CidrBlock"))
    assert (
        vpc.problems() == f"{vpc.subnet_ids[0]} has no IPv4 addresses, which the cluster's pods and mount targets have"
    )
    assert vpc.ensure().facts["private_subnets"][1]["cidr"] == ""


@pytest.mark.parametrize("kind", ["local-zone", "wavelength-zone"])
def test_a_subnet_in_a_zone_of_another_kind_is_named(kind: str, vpc: Vpc) -> None:
    alter(
        vpc.ec2,
        "DescribeAvailabilityZones",
        lambda parsed: [
            zone.update(ZoneType=kind) for zone in parsed["AvailabilityZones"] if zone["ZoneId"] == "apne1-az1"
        ],
    )
    assert f"{vpc.subnet_ids[1]} is in the {kind} ap-northeast-1c, where there is no Fargate" in vpc.problems()
    assert "1 availability zone(s)" in vpc.problems()


def test_a_subnet_on_an_outpost_is_named(vpc: Vpc) -> None:
    arn = "arn:aws:outposts:ap-northeast-1:123456789012:outpost/op-1"
    alter(vpc.ec2, "DescribeSubnets", lambda parsed: parsed["Subnets"][0].update(OutpostArn=arn))
    assert vpc.problems() == f"{vpc.subnet_ids[0]} is on the Outpost {arn}, where there is no Fargate"


OWNER = "999988887777"


def shared(vpc: Vpc) -> Vpc:
    """As another account that shares its subnets lets it be seen."""
    alter(vpc.ec2, "DescribeVpcs", lambda parsed: [each.update(OwnerId=OWNER) for each in parsed["Vpcs"]])
    alter(vpc.ec2, "DescribeRouteTables", lambda parsed: [each.update(OwnerId=OWNER) for each in parsed["RouteTables"]])
    alter(vpc.ec2, "DescribeNatGateways", lambda parsed: parsed.update(NatGateways=[]))
    alter(vpc.ec2, "DescribeVpcEndpoints", lambda parsed: parsed.update(VpcEndpoints=[]))
    return vpc


def test_subnets_that_another_account_shares_suit_and_what_it_does_not_show_is_a_warning(vpc: Vpc) -> None:
    found = shared(vpc).check()
    assert found.problems == []
    assert [f"{vpc.nat_id}, which account {OWNER} shows nobody" in each for each in found.warnings] == [True, True]


def test_endpoints_that_an_isolated_shared_subnet_needs_are_named_for_its_owner(vpc: Vpc) -> None:
    vpc.lead(vpc.table_id)
    found = shared(vpc).check(verification=private_image())
    assert found.problems == []
    assert len(found.warnings) == 2
    for said in ("com.amazonaws.ap-northeast-1.ecr.api", f"only account {OWNER} sees"):
        assert said in found.warnings[0]
    assert "verification.image" in vpc.problems()


def test_a_subnet_that_is_not_shared_is_named_with_who_could(vpc: Vpc) -> None:
    absent = "subnet-00000000000000000"
    said = f"{absent} does not exist, or account {OWNER} does not share it"
    assert shared(vpc).problems(*vpc.subnet_ids, absent) == said


def test_a_range_for_services_that_overlaps_with_the_vpc_is_told_by_its_field(vpc: Vpc) -> None:
    assert vpc.check(cluster={"service_ipv4_cidr": "10.1.0.0/16"}).problems == []
    said = vpc.problems(cluster={"service_ipv4_cidr": "10.0.0.0/20"})
    assert said == f"cluster.service_ipv4_cidr 10.0.0.0/20 overlaps with 10.0.0.0/16 of {vpc.vpc_id}"


def test_resolvers_of_their_own_are_a_warning_since_they_may_forward(vpc: Vpc) -> None:
    for servers, warned in ((["10.1.2.3"], True), (["10.0.0.2"], False), (["AmazonProvidedDNS"], False)):
        configuration = [{"Key": "domain-name-servers", "Values": servers}]
        options = vpc.ec2.create_dhcp_options(DhcpConfigurations=configuration)["DhcpOptions"]["DhcpOptionsId"]
        vpc.ec2.associate_dhcp_options(DhcpOptionsId=options, VpcId=vpc.vpc_id)
        found = vpc.check()
        assert (found.problems, len(found.warnings)) == ([], int(warned)), servers


def test_a_way_out_that_cannot_be_followed_is_a_warning(vpc: Vpc) -> None:
    transit = vpc.ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    vpc.lead(vpc.table_id, TransitGatewayId=transit)
    found = vpc.check()
    assert (found.problems, len(found.warnings)) == ([], 2)


def test_pods_that_a_public_endpoint_would_keep_out_are_told_with_their_address(vpc: Vpc) -> None:
    office = {"endpoint_access": "public", "public_access_cidrs": ["203.0.113.0/24"]}
    assert f"come from {vpc.nat_address}, which cluster.public_access_cidrs (203.0.113.0/24) keep out" in vpc.problems(
        cluster=office
    )
    named = {**office, "public_access_cidrs": ["203.0.113.0/24", f"{vpc.nat_address}/32"]}
    assert vpc.check(cluster=named).problems == []


def private_image() -> dict[str, str]:
    return {"image": "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/busybox:1"}


def test_an_isolated_vpc_is_told_which_endpoints_and_which_image_it_lacks(vpc: Vpc) -> None:
    vpc.lead(vpc.table_id)
    problems = vpc.problems()
    assert (
        "not the VPC endpoints that Fargate needs: com.amazonaws.ap-northeast-1.ecr.api, "
        "com.amazonaws.ap-northeast-1.ecr.dkr, com.amazonaws.ap-northeast-1.s3, com.amazonaws.ap-northeast-1.sts"
    ) in problems
    assert "no VPC endpoint leads to its registry" in problems
    group = vpc.ec2.create_security_group(GroupName="e", Description="e", VpcId=vpc.vpc_id)["GroupId"]
    for service in ("ecr.api", "ecr.dkr", "sts"):
        vpc.ec2.create_vpc_endpoint(
            VpcId=vpc.vpc_id,
            VpcEndpointType="Interface",
            ServiceName=f"com.amazonaws.ap-northeast-1.{service}",
            SubnetIds=vpc.subnet_ids,
            SecurityGroupIds=[group],
            PrivateDnsEnabled=service != "sts",
        )
    s3 = vpc.ec2.create_vpc_endpoint(
        VpcId=vpc.vpc_id,
        VpcEndpointType="Gateway",
        ServiceName="com.amazonaws.ap-northeast-1.s3",
        RouteTableIds=[vpc.public_table_id],
    )["VpcEndpoint"]["VpcEndpointId"]
    problems = vpc.problems(verification=private_image())
    assert f"({group} does not admit tcp 443 from 10.0.1.0/24)" in problems
    assert f"s3 ({s3} is not in {vpc.table_id})" in problems
    assert "has private DNS off)" in problems
    assert "verification.image" not in problems


def test_with_every_endpoint_that_fargate_needs_an_isolated_vpc_suits(vpc: Vpc) -> None:
    vpc.isolate()
    assert vpc.check(verification=private_image()).problems == []


@pytest.mark.parametrize(
    ("policy", "problem", "warning"),
    [
        ({}, "", ""),
        ({"Resource": "arn:aws:s3:::the-teams-bucket/*"}, "does not allow s3:GetObject on arn:aws:s3:::prod-", ""),
        ({"Condition": {"StringEquals": {"aws:ResourceOrgID": "o-1"}}}, "", "on conditions only"),
    ],
)
def test_an_endpoint_on_the_way_has_to_let_pulls_through_also_where_a_nat_gateway_works(
    policy: dict[str, Any], problem: str, warning: str, vpc: Vpc
) -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*", **policy}
    vpc.ec2.create_vpc_endpoint(
        VpcId=vpc.vpc_id,
        VpcEndpointType="Gateway",
        ServiceName="com.amazonaws.ap-northeast-1.s3",
        RouteTableIds=[vpc.table_id],
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    checked = vpc.check()
    assert [problem in each.what for each in checked.problems] == ([True, True] if problem else [])
    assert [warning in each for each in checked.warnings] == ([True, True] if warning else [])


def test_an_endpoints_group_has_to_admit_the_pods_also_where_a_nat_gateway_works(vpc: Vpc) -> None:
    group = vpc.ec2.create_security_group(GroupName="e", Description="e", VpcId=vpc.vpc_id)["GroupId"]
    vpc.ec2.create_vpc_endpoint(
        VpcId=vpc.vpc_id,
        VpcEndpointType="Interface",
        ServiceName="com.amazonaws.ap-northeast-1.ecr.dkr",
        SubnetIds=vpc.subnet_ids,
        SecurityGroupIds=[group],
        PrivateDnsEnabled=True,
    )
    said = f"from private ECR, from which CoreDNS comes: ecr.dkr ({group} does not admit tcp 443 from 10.0.1.0/24)"
    assert said in vpc.problems()
    tags = [{"Key": "aws:eks:cluster-name", "Value": "eks-example"}]
    pods = vpc.ec2.create_security_group(
        GroupName="eks-cluster-sg",
        Description="e",
        VpcId=vpc.vpc_id,
        TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
    )["GroupId"]
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [{"GroupId": pods}]}
    vpc.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[https])
    assert vpc.check().problems == []


def test_a_secondary_range_of_carrier_grade_addresses_suits_like_any_other(vpc: Vpc) -> None:
    vpc.ec2.associate_vpc_cidr_block(VpcId=vpc.vpc_id, CidrBlock="100.64.0.0/16")
    second = subnet(vpc.ec2, vpc.vpc_id, "ap-northeast-1d", "100.64.1.0/24")
    vpc.ec2.associate_route_table(RouteTableId=vpc.table_id, SubnetId=second)
    assert vpc.check(*vpc.subnet_ids, second).problems == []
