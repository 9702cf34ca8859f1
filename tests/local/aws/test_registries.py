"""A private image is pulled by three ways, each of them through endpoints and their policies or over the internet."""

import json
import re
from dataclasses import dataclass
from typing import Any

import pytest

from local.aws import network, registries
from local.aws.network import End
from local.kubernetes.interfaces import PullRefused

ACCOUNT, REGION = "123456789012", "ap-northeast-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/pods"
REGISTRY, PATH = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com", "mirror/busybox:1.37"
LAYERS = f"arn:aws:s3:::prod-{REGION}-starport-layer-bucket/*"
EVERYWHERE = "0.0.0.0/0"
ALL = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
TIMEOUT, NO_TOKEN, REFUSED = "Head .*i/o timeout", "no basic auth credentials", "HEAD request to .*: 403 Forbidden"
NO_LAYERS, LAYERS_REFUSED = "starport.*i/o timeout", "starport.*: 403 Forbidden"


@dataclass
class Isolated:
    """A pod subnet without a way out; endpoints are made as a test needs them."""

    ec2: Any
    vpc_id: str
    subnet_id: str
    pods: str
    endpoints: str
    clock: Any

    def endpoint(self, service: str, *statements: dict[str, Any], private_dns: bool = True) -> None:
        name = f"com.amazonaws.{REGION}.{service}"
        policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements or (ALL,))})
        if service == "s3":
            filters = [{"Name": "association.subnet-id", "Values": [self.subnet_id]}]
            (table,) = self.ec2.describe_route_tables(Filters=filters)["RouteTables"]
            where: dict[str, Any] = {"VpcEndpointType": "Gateway", "RouteTableIds": [table["RouteTableId"]]}
        else:
            where = {"VpcEndpointType": "Interface", "SubnetIds": [self.subnet_id], "PrivateDnsEnabled": private_dns}
            where["SecurityGroupIds"] = [self.endpoints]
        self.ec2.create_vpc_endpoint(VpcId=self.vpc_id, ServiceName=name, PolicyDocument=policy, **where)

    def with_all(self, **policies: dict[str, Any]) -> None:
        for service in ("ecr.api", "ecr.dkr", "s3"):
            self.endpoint(service, *filter(None, [policies.get(service.rpartition(".")[2])]))

    def give_a_way_out(self, public_subnet: str) -> None:
        address = self.ec2.allocate_address(Domain="vpc")["AllocationId"]
        made = self.ec2.create_nat_gateway(SubnetId=public_subnet, AllocationId=address)["NatGateway"]
        self.clock.pass_time()
        filters = [{"Name": "association.subnet-id", "Values": [self.subnet_id]}]
        (table,) = self.ec2.describe_route_tables(Filters=filters)["RouteTables"]
        self.ec2.create_route(
            RouteTableId=table["RouteTableId"], DestinationCidrBlock=EVERYWHERE, NatGatewayId=made["NatGatewayId"]
        )

    def pull(self, registry: str = REGISTRY, path: str = PATH) -> str:
        """What is said; empty when the image comes."""
        ec2 = network.backend(ACCOUNT, REGION)
        subnet = network.find_subnet(ec2, self.subnet_id)
        assert subnet is not None
        end = End(subnet, str(subnet.cidr.network_address + 9), (self.pods,))
        try:
            registries.pull(registries.Node(ec2, end, ROLE), registry, path)
        except PullRefused as refused:
            return refused.message
        return ""

    def close(self, group_id: str, direction: str) -> None:
        (group,) = self.ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
        permissions = group["IpPermissions" if direction == "ingress" else "IpPermissionsEgress"]
        getattr(self.ec2, f"revoke_security_group_{direction}")(GroupId=group_id, IpPermissions=permissions)


@pytest.fixture
def vpc(parts: Any, network: Any) -> Isolated:
    parts.role("pods", "eks-fargate-pods.amazonaws.com")
    rights = {"Effect": "Allow", "Action": list(registries.PULLING), "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [rights]})
    parts.client("iam").put_role_policy(RoleName="pods", PolicyName="pull", PolicyDocument=document)
    ec2, subnet_id = parts.client("ec2"), network.private_subnets[0]
    table = ec2.create_route_table(VpcId=network.vpc_id)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet_id)
    pods, endpoints = (
        ec2.create_security_group(GroupName=name, Description=name, VpcId=network.vpc_id)["GroupId"]
        for name in ("pods", "endpoints")
    )
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [{"GroupId": pods}]}
    ec2.authorize_security_group_ingress(GroupId=endpoints, IpPermissions=[https])
    return Isolated(ec2, network.vpc_id, subnet_id, pods, endpoints, parts.clock)


def test_each_of_the_three_endpoints_is_missed_in_its_own_way(vpc: Isolated) -> None:
    said = [vpc.pull()]
    for service in ("ecr.dkr", "ecr.api", "s3"):
        vpc.endpoint(service)
        said.append(vpc.pull())
    for text, expected in zip(said, (TIMEOUT, NO_TOKEN, NO_LAYERS, ""), strict=True):
        check(text, expected)


def check(said: str, pattern: str) -> None:
    """Without a pattern, nothing is said."""
    assert re.search(pattern or "^$", said), said


@pytest.mark.parametrize(
    ("endpoint", "statement", "said"),
    [
        ("api", {**ALL, "Action": "ecr:Describe*"}, NO_TOKEN),
        ("api", {**ALL, "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}, ""),
        ("dkr", {**ALL, "Resource": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/other"}, REFUSED),
        ("dkr", {**ALL, "Action": "ecr:*", "Resource": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/mirror/*"}, ""),
        ("s3", {**ALL, "Action": "s3:*", "Resource": "arn:aws:s3:::the-teams-bucket/*"}, LAYERS_REFUSED),
        ("s3", {**ALL, "Action": "s3:GetObject", "Resource": LAYERS}, ""),
        ("s3", {**ALL, "Condition": {"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}}, LAYERS_REFUSED),
        ("s3", {**ALL, "Condition": {"StringEquals": {"aws:ResourceOrgID": "o-0123456789"}}}, LAYERS_REFUSED),
    ],
)
def test_the_policies_of_the_endpoints_decide(endpoint: str, statement: Any, said: str, vpc: Isolated) -> None:
    vpc.with_all(**{endpoint: statement})
    check(vpc.pull(), said)


def test_an_endpoint_with_private_names_is_met_even_where_there_is_another_way(vpc: Isolated, network: Any) -> None:
    vpc.give_a_way_out(network.public_subnet)
    assert vpc.pull() == ""
    vpc.endpoint("ecr.dkr", private_dns=False)
    vpc.close(vpc.endpoints, "ingress")
    assert vpc.pull() == ""
    vpc.endpoint("ecr.dkr")
    check(vpc.pull(), r"dial tcp 192\.168\.\d+\.\d+:443: i/o timeout")


def test_without_the_vpcs_resolver_private_names_lead_out(vpc: Isolated) -> None:
    vpc.with_all()
    vpc.ec2.modify_vpc_attribute(VpcId=vpc.vpc_id, EnableDnsHostnames={"Value": False})
    check(vpc.pull(), TIMEOUT)


def test_the_pods_own_group_has_to_let_them_out(vpc: Isolated) -> None:
    vpc.with_all()
    vpc.close(vpc.pods, "egress")
    check(vpc.pull(), TIMEOUT)
    rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    to_endpoints = {**rule, "UserIdGroupPairs": [{"GroupId": vpc.endpoints}]}
    vpc.ec2.authorize_security_group_egress(GroupId=vpc.pods, IpPermissions=[to_endpoints])
    check(vpc.pull(), NO_LAYERS)
    names = [{"Name": "prefix-list-name", "Values": [f"com.amazonaws.{REGION}.s3"]}]
    (listed,) = vpc.ec2.describe_managed_prefix_lists(Filters=names)["PrefixLists"]
    to_s3 = {**rule, "PrefixListIds": [{"PrefixListId": listed["PrefixListId"]}]}
    vpc.ec2.authorize_security_group_egress(GroupId=vpc.pods, IpPermissions=[to_s3])
    assert vpc.pull() == ""
    vpc.ec2.revoke_security_group_egress(GroupId=vpc.pods, IpPermissions=[to_s3])
    outside = {**rule, "IpRanges": [{"CidrIp": EVERYWHERE}]}
    vpc.ec2.authorize_security_group_egress(GroupId=vpc.pods, IpPermissions=[outside])
    assert vpc.pull() == ""


def test_eks_own_repository_is_open_to_every_role_that_may_pull(vpc: Isolated) -> None:
    vpc.with_all()
    registry, path = f"602401143452.dkr.ecr.{REGION}.amazonaws.com", "eks/coredns:v1.12.4-eksbuild.1"
    assert vpc.pull(registry, path) == ""
    check(vpc.pull(registry, "eks/another:v1"), REFUSED)


@pytest.mark.parametrize(
    ("registry", "said"),
    [
        ("registry.example.internal", r"dial tcp: lookup registry.example.internal on 192\.168\.0\.2:53: no such host"),
        ("ghcr.io", r"fetch anonymous token: .*/token\?scope=repository%3Ateam%2Fbusybox%3Apull.*: 401 Unauthorized"),
        ("quay.io", ""),
    ],
)
def test_other_registries_are_known_to_the_resolver_and_give_to_nobody_or_not_at_all(
    registry: str, said: str, vpc: Isolated, network: Any
) -> None:
    vpc.give_a_way_out(network.public_subnet)
    check(vpc.pull(registry, "team/busybox:1"), said)
