"""Between pods and mount targets: what is closed is named with the group or ACL, the range and the mount target."""

import json
from typing import Any

import pytest

from tests.unit.diagnosis.looking import look
from tests.unit.diagnosis.world import CIDRS, NFS, ZONES, World
from tests.unit.resources.aws_calls import alter
from tests.unit.resources.samples import request_for


def test_a_closed_port_is_named_with_group_range_and_mount_target(world: World) -> None:
    world.refuse(CIDRS[0])
    finding, fix = look(world, "security-group-closed")
    assert finding.verdict == "proved"
    assert fix == f"allow tcp 2049 from {CIDRS[0]} in {world.group_id} (mount target {world.mount_target_ids[0]})"
    assert finding.saw == f"{world.group_id} of {world.mount_target_ids[0]} does not admit {CIDRS[0]}"


def test_every_closed_mount_target_is_named(world: World) -> None:
    for cidr in CIDRS:
        world.refuse(cidr)
    other = world.group("other")
    world.efs.modify_mount_target_security_groups(MountTargetId=world.mount_target_ids[1], SecurityGroups=[other])
    finding, fix = look(world, "security-group-closed")
    assert finding.verdict == "proved"
    for cidr, group_id, mount_target_id in zip(CIDRS, (world.group_id, other), world.mount_target_ids, strict=True):
        assert f"{cidr} in {group_id} (mount target {mount_target_id})" in fix


def test_half_of_a_subnet_left_out_is_closed(world: World) -> None:
    world.refuse(CIDRS[0])
    world.admit("192.168.96.0/20")
    finding, fix = look(world, "security-group-closed")
    assert finding.verdict == "proved"
    assert "from 192.168.112.0/20 in" in fix


@pytest.mark.parametrize("admitted", ["192.168.0.0/16", "0.0.0.0/0"])
def test_a_wider_range_is_open(world: World, admitted: str) -> None:
    for cidr in CIDRS:
        world.refuse(cidr)
    world.admit(admitted)
    assert look(world, "security-group-closed")[0].verdict == "refuted"


def test_two_halves_make_a_whole(world: World) -> None:
    world.refuse(CIDRS[0])
    world.admit("192.168.96.0/20")
    world.admit("192.168.112.0/20")
    assert look(world, "security-group-closed")[0].verdict == "refuted"


def test_a_rule_for_the_cluster_security_group_is_open(world: World) -> None:
    for cidr in CIDRS:
        world.refuse(cidr)
    world.ec2.authorize_security_group_ingress(
        GroupId=world.group_id, IpPermissions=[{**NFS, "UserIdGroupPairs": [{"GroupId": world.cluster_group_id}]}]
    )
    assert look(world, "security-group-closed")[0].verdict == "refuted"


def test_another_port_or_protocol_is_closed(world: World) -> None:
    world.refuse(CIDRS[0])
    for permission in ({**NFS, "FromPort": 2050, "ToPort": 2060}, {**NFS, "IpProtocol": "udp"}):
        world.ec2.authorize_security_group_ingress(
            GroupId=world.group_id, IpPermissions=[{**permission, "IpRanges": [{"CidrIp": CIDRS[0]}]}]
        )
    assert look(world, "security-group-closed")[0].verdict == "proved"


def test_a_prefix_list_leaves_it_undecided(world: World) -> None:
    world.refuse(CIDRS[0])
    prefix_list = world.ec2.create_managed_prefix_list(PrefixListName="p", MaxEntries=1, AddressFamily="IPv4")
    prefix_list_id = prefix_list["PrefixList"]["PrefixListId"]
    world.ec2.authorize_security_group_ingress(
        GroupId=world.group_id, IpPermissions=[{**NFS, "PrefixListIds": [{"PrefixListId": prefix_list_id}]}]
    )
    assert look(world, "security-group-closed")[0].verdict == "possible"


def test_the_groups_are_looked_at_when_the_cluster_does_not_answer(world: World) -> None:
    world.api.error = RuntimeError("no answer")
    world.refuse(CIDRS[0])
    assert look(world, "security-group-closed")[0].verdict == "proved"


def test_egress_that_lets_no_nfs_out_is_named(world: World) -> None:
    world.ec2.revoke_security_group_egress(
        GroupId=world.cluster_group_id, IpPermissions=[{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    )
    finding, fix = look(world, "pod-egress-closed")
    assert finding.verdict == "proved"
    assert fix.startswith("allow outbound tcp 2049 to 192.168.")
    assert fix.endswith(f"/32 in {world.cluster_group_id}")
    world.ec2.authorize_security_group_egress(
        GroupId=world.cluster_group_id,
        IpPermissions=[{**NFS, "UserIdGroupPairs": [{"GroupId": world.group_id}]}],
    )
    assert look(world, "pod-egress-closed")[0].verdict == "refuted"


def close(world: World, subnet_id: str, *, egress: bool, ports: tuple[int, int] = (2049, 2049)) -> str:
    """Put the subnet under an ACL of its own that denies these ports and allows the rest."""
    acl_id = str(world.ec2.create_network_acl(VpcId=world.vpc_id)["NetworkAcl"]["NetworkAclId"])
    denied = {"RuleNumber": 90, "RuleAction": "deny", "Protocol": "6", "PortRange": {"From": ports[0], "To": ports[1]}}
    allowed = {"RuleNumber": 100, "RuleAction": "allow", "Protocol": "-1"}
    for direction in (True, False):
        entries = [denied, allowed] if direction == egress else [allowed]
        for entry in entries:
            world.ec2.create_network_acl_entry(NetworkAclId=acl_id, Egress=direction, CidrBlock="0.0.0.0/0", **entry)
    associations = [
        each
        for acl in world.ec2.describe_network_acls(Filters=[{"Name": "vpc-id", "Values": [world.vpc_id]}])[
            "NetworkAcls"
        ]
        for each in acl["Associations"]
        if each["SubnetId"] == subnet_id
    ]
    world.ec2.replace_network_acl_association(
        AssociationId=associations[0]["NetworkAclAssociationId"], NetworkAclId=acl_id
    )
    return acl_id


def test_an_acl_does_not_stand_within_one_subnet(world: World) -> None:
    close(world, world.subnet_ids[0], egress=False)
    assert look(world, "network-acl-closed")[0].verdict == "refuted"


@pytest.mark.parametrize(
    ("at_pods", "egress", "ports", "way"),
    [
        (False, False, (2049, 2049), "inbound tcp 2049 from 192.168.160.0/19"),
        (False, True, (1024, 65535), "outbound tcp 32768-60999 to 192.168.160.0/19"),
        (True, True, (2049, 2049), "outbound tcp 2049 to 192.168."),
        (True, False, (1024, 65535), "inbound tcp 32768-60999 from 192.168."),
    ],
)
def test_an_acl_between_two_subnets_is_named_with_direction_and_range(
    world: World, at_pods: bool, egress: bool, ports: tuple[int, int], way: str
) -> None:
    more = world.subnet(ZONES[0], "192.168.160.0/19")
    world.profile(subnets=[*world.subnet_ids, more])
    acl_id = close(world, more if at_pods else world.subnet_ids[0], egress=egress, ports=ports)
    finding, fix = look(world, "network-acl-closed")
    assert finding.verdict == "proved"
    assert f"allow {way}" in fix
    assert fix.endswith(f"in {acl_id}")
    assert "rule 90 denies 0.0.0.0/0" in finding.saw


def test_a_mount_target_in_another_vpc_needs_a_route(world: World) -> None:
    world.cluster["resourcesVpcConfig"]["vpcId"] = other = world.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    finding, fix = look(world, "mount-target-unroutable")
    assert finding.verdict == "proved"
    assert world.mount_target_ids[0] in finding.saw
    assert f"mount targets in {other}" in fix


@pytest.mark.parametrize("name", ["enableDnsSupport", "enableDnsHostnames"])
def test_a_dns_attribute_that_is_off_is_named_with_its_vpc(world: World, name: str) -> None:
    world.ec2.modify_vpc_attribute(VpcId=world.vpc_id, **{name[0].upper() + name[1:]: {"Value": False}})
    finding, fix = look(world, "dns-attributes-off")
    assert finding.verdict == "proved"
    assert fix == f"switch {name} on in {world.vpc_id}"


def test_a_pod_subnet_without_a_way_to_the_registry_is_named(world: World) -> None:
    world.ec2.delete_route(RouteTableId=world.route_table_id, DestinationCidrBlock="0.0.0.0/0")
    finding, fix = look(world, "image-unreachable")
    assert finding.verdict == "proved"
    for subnet_id in world.subnet_ids:
        assert f"{subnet_id}: {world.route_table_id} has no default route" in fix


def test_a_route_to_a_nat_gateway_that_is_gone_is_no_way_out(world: World) -> None:
    world.ec2.delete_nat_gateway(NatGatewayId=world.nat_gateway_id)
    finding, _ = look(world, "image-unreachable")
    assert finding.verdict == "proved"
    assert world.nat_gateway_id in finding.saw or "blackhole" in finding.saw


@pytest.mark.parametrize(
    ("said", "fix"),
    [
        ("dial tcp: lookup public.ecr.aws on 192.168.0.2:53: no such host", "see whether the name of "),
        ("dial tcp 99.83.145.10:443: connect: connection refused", "see whether public.ecr.aws/docker/library/busybox"),
        ("dial tcp 99.83.145.10:443: i/o timeout", "and whether a firewall on the way stops the pods"),
    ],
)
def test_a_registry_that_nodes_do_not_reach_though_all_ways_are_open_is_possible(
    said: str, fix: str, world: World
) -> None:
    finding, told = look(world, "image-unreachable", f'failed to do request: Head "https://public.ecr.aws/v2/": {said}')
    assert (finding.verdict, fix in told) == ("possible", True)
    assert look(world, "image-unreachable", "Back-off pulling image")[0].verdict == "refuted"


PRIVATE_IMAGE = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/busybox:1"
ALL = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}


def endpoint(world: World, service: str, *, admits: str = "192.168.0.0/16", **statement: Any) -> str:
    """An interface endpoint with private DNS, and a group of its own."""
    group_id = world.group(f"endpoint of {service}")
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": admits}]}
    world.ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[https])
    made = world.ec2.create_vpc_endpoint(
        VpcId=world.vpc_id,
        ServiceName=f"com.amazonaws.ap-northeast-1.{service}",
        VpcEndpointType="Interface",
        SubnetIds=world.subnet_ids,
        SecurityGroupIds=[group_id],
        PrivateDnsEnabled=True,
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [{**ALL, **statement}]}),
    )
    return str(made["VpcEndpoint"]["VpcEndpointId"])


def test_endpoints_for_ecr_are_a_way_to_a_private_image(world: World) -> None:
    world.ec2.delete_route(RouteTableId=world.route_table_id, DestinationCidrBlock="0.0.0.0/0")
    for service in ("ecr.api", "ecr.dkr", "s3"):
        endpoint(world, service)
    assert look(world, "image-unreachable")[0].verdict == "proved"
    world.request = request_for(verification={"image": PRIVATE_IMAGE})
    assert look(world, "image-unreachable")[0].verdict == "refuted"


def test_of_subnets_that_another_account_shares_a_way_that_it_does_not_show_is_possible(world: World) -> None:
    owner = "999988887777"
    alter(world.ec2, "DescribeRouteTables", lambda each: [t.update(OwnerId=owner) for t in each["RouteTables"]])
    alter(world.ec2, "DescribeNatGateways", lambda each: each.update(NatGateways=[]))
    finding, _ = look(world, "image-unreachable")
    assert (finding.verdict, f"which account {owner} shows nobody" in finding.saw) == ("possible", True)
    world.ec2.delete_route(RouteTableId=world.route_table_id, DestinationCidrBlock="0.0.0.0/0")
    assert look(world, "image-unreachable")[0].verdict == "proved"
    world.request = request_for(verification={"image": PRIVATE_IMAGE})
    finding, _ = look(world, "image-unreachable")
    assert (finding.verdict, f"only account {owner} sees" in finding.saw) == ("possible", True)


def test_an_endpoint_that_does_not_admit_the_pods_closes_the_way_that_there_is_besides(world: World) -> None:
    world.request = request_for(verification={"image": PRIVATE_IMAGE})
    assert look(world, "image-unreachable")[0].verdict == "refuted"
    endpoint(world, "ecr.dkr", admits="10.0.0.0/8")
    finding, _ = look(world, "image-unreachable")
    assert finding.verdict == "proved"
    assert f"{world.subnet_ids[0]}, ecr.dkr: sg-" in finding.saw
    assert f"does not admit tcp 443 from {CIDRS[0]}" in finding.saw


def test_an_endpoint_that_the_pods_do_not_ask_is_not_in_their_way(world: World) -> None:
    endpoint(world, "ecr.dkr", admits="10.0.0.0/8")
    assert look(world, "image-unreachable")[0].verdict == "refuted"


@pytest.mark.parametrize(
    ("statement", "verdict", "said"),
    [
        ({"Action": "ecr:Describe*"}, "proved", "does not allow ecr:GetAuthorizationToken"),
        ({"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}, "possible", "on conditions only"),
        ({}, "possible", "no basic auth credentials"),
    ],
)
def test_why_nodes_have_no_token_is_proved_where_an_endpoint_refuses_and_else_their_roles_to_tell(
    statement: Any, verdict: str, said: str, world: World
) -> None:
    world.request = request_for(verification={"image": PRIVATE_IMAGE})
    assert look(world, "image-without-token")[0].verdict == "refuted"
    world.warn("Failed", f'Failed to pull image "{PRIVATE_IMAGE}": pull access denied: no basic auth credentials')
    endpoint(world, "ecr.api", **statement)
    finding, fix = look(world, "image-without-token")
    assert (finding.verdict, said in finding.saw) == (verdict, True)
    assert fix.startswith("let pods get a token" if verdict == "proved" else "let the policies of arn:aws:iam::")
    assert look(world, "image-not-found")[0].verdict == "refuted"


@pytest.mark.parametrize(
    ("rule_id", "answer"),
    [
        ("image-not-found", "public.ecr.aws/docker/library/busybox:1.37: not found"),
        ("image-rate-limited", "429 Too Many Requests: toomanyrequests: Rate exceeded"),
    ],
)
def test_what_the_registry_answered_a_node_is_the_proof(world: World, rule_id: str, answer: str) -> None:
    assert look(world, rule_id, answer)[0].verdict == "possible"
    image = world.request.verification.image
    world.warn("Failed", f'Failed to pull image "{image}": {answer}')
    finding, fix = look(world, rule_id, answer)
    assert finding.verdict == "proved"
    assert answer in finding.saw
    assert image in fix


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden"])
def test_who_refuses_an_image_to_pods_without_credentials_is_told_apart_from_a_repositorys_policy(
    status: str, world: World
) -> None:
    for image, fix in (
        ("ghcr.io/team/busybox:1", "let ghcr.io/team/busybox:1 be pulled without credentials"),
        (PRIVATE_IMAGE, "let the repository's policy allow the pod execution role to pull"),
    ):
        world.request = request_for(verification={"image": image})
        world.warn("Failed", f'Failed to pull image "{image}": failed to authorize: unexpected status: {status}')
        finding, told = look(world, "image-refused")
        assert (finding.verdict, told.startswith(fix)) == ("proved", True)


def test_resolvers_of_the_companys_own_are_possible_and_named(world: World) -> None:
    assert look(world, "dns-resolver-of-its-own")[0].verdict == "refuted"
    configuration = [{"Key": "domain-name-servers", "Values": ["10.1.2.3"]}]
    options = world.ec2.create_dhcp_options(DhcpConfigurations=configuration)["DhcpOptions"]["DhcpOptionsId"]
    world.ec2.associate_dhcp_options(DhcpOptionsId=options, VpcId=world.vpc_id)
    finding, fix = look(world, "dns-resolver-of-its-own")
    assert finding.verdict == "possible"
    assert fix.startswith(f"let 10.1.2.3 forward names of EFS to the resolver of {world.vpc_id}")


def test_a_nat_gateway_whose_own_subnet_leads_nowhere_is_proved_and_a_transit_gateway_is_possible(world: World) -> None:
    assert look(world, "image-unreachable")[0].verdict == "refuted"
    everywhere = "0.0.0.0/0"
    world.ec2.delete_route(RouteTableId=world.public_table_id, DestinationCidrBlock=everywhere)
    finding, fix = look(world, "image-unreachable")
    assert (finding.verdict, f"{world.public_table_id} has no default route" in fix) == ("proved", True)
    transit = world.ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    world.ec2.delete_route(RouteTableId=world.route_table_id, DestinationCidrBlock=everywhere)
    world.ec2.create_route(RouteTableId=world.route_table_id, DestinationCidrBlock=everywhere, TransitGatewayId=transit)
    finding, _ = look(world, "image-unreachable")
    assert (finding.verdict, transit in finding.saw) == ("possible", True)
