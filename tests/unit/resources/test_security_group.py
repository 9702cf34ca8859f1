from typing import Any

import pytest

from provisioner.errors import ErrorReason, RetryableError, TerminalError
from provisioner.observation import Observation
from provisioner.resources import security_group
from provisioner.resources.vpc import Network, PrivateSubnet
from tests.unit.resources.aws_calls import Calls, alter, refuse
from tests.unit.resources.samples import request_for

OTHER_SOURCES = ("Ipv6Ranges", "PrefixListIds", "UserIdGroupPairs")
CIDRS = ["10.0.1.0/24", "10.0.2.0/24"]


@pytest.fixture
def network(ec2: Any) -> Network:
    vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    return Network(vpc_id, tuple(PrivateSubnet(f"subnet-{i}", "a", f"az{i}", cidr) for i, cidr in enumerate(CIDRS)))


def ensure(network: Network, ec2: Any) -> Observation:
    return security_group.ensure(request_for(), network, ec2)


def found(network: Network, ec2: Any) -> Any:
    (group,) = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["eks-example-efs"]}])[
        "SecurityGroups"
    ]
    return group


def ingress(network: Network, ec2: Any) -> list[tuple[str, int, int, str]]:
    return sorted(
        (rule["IpProtocol"], rule["FromPort"], rule["ToPort"], each["CidrIp"])
        for rule in found(network, ec2)["IpPermissions"]
        for each in rule["IpRanges"]
    )


def test_the_group_admits_nfs_from_each_private_subnet_and_nothing_else(network: Network, ec2: Any) -> None:
    observation = ensure(network, ec2)
    assert observation.ready
    assert observation.facts == {"security_group_id": found(network, ec2)["GroupId"]}
    assert ingress(network, ec2) == [("tcp", 2049, 2049, cidr) for cidr in CIDRS]
    assert found(network, ec2)["VpcId"] == network.vpc_id


def test_the_control_plane_gets_the_group_where_another_account_shares_the_vpc(network: Network, ec2: Any) -> None:
    existing = {"vpc_id": network.vpc_id, "private_subnet_ids": ["subnet-00000000", "subnet-00000001"]}
    assert security_group.of_control_plane(request_for(), network, ec2) == []
    assert security_group.of_control_plane(request_for(network=existing), network, ec2) == []
    alter(ec2, "DescribeVpcs", lambda answer: answer["Vpcs"][0].update(OwnerId="999988887777"))
    given = security_group.of_control_plane(request_for(network=existing), network, ec2)
    assert given == [found(network, ec2)["GroupId"]] == [ensure(network, ec2).facts["security_group_id"]]


def test_the_group_is_tagged_at_creation(network: Network, ec2: Any) -> None:
    ensure(network, ec2)
    assert {tag["Key"]: tag["Value"] for tag in found(network, ec2)["Tags"]} == {
        "Name": "eks-example-efs",
        "eks-efs-provisioner/cluster": "eks-example",
    }


def test_a_second_run_changes_nothing(network: Network, ec2: Any) -> None:
    first = ensure(network, ec2)
    calls = Calls(ec2)
    assert ensure(network, ec2) == first
    assert calls.names == ["DescribeSecurityGroups"]


def test_a_missing_rule_is_added_and_extra_ones_are_revoked_whatever_they_admit(network: Network, ec2: Any) -> None:
    group_id = ensure(network, ec2).facts["security_group_id"]
    other = ec2.create_security_group(GroupName="other", Description="x", VpcId=network.vpc_id)["GroupId"]
    nfs = {"IpProtocol": "tcp", "FromPort": 2049, "ToPort": 2049}
    ec2.revoke_security_group_ingress(GroupId=group_id, IpPermissions=[{**nfs, "IpRanges": [{"CidrIp": CIDRS[0]}]}])
    extra = [
        {**nfs, "FromPort": 22, "ToPort": 23, "IpRanges": [{"CidrIp": CIDRS[0]}]},
        {**nfs, "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "temporary"}]},
        {**nfs, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]},
        {**nfs, "UserIdGroupPairs": [{"GroupId": other}]},
        {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group_id}]},
    ]
    ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=extra)
    ensure(network, ec2)
    assert ingress(network, ec2) == [("tcp", 2049, 2049, cidr) for cidr in CIDRS]
    assert not any(rule.get(kind) for rule in found(network, ec2)["IpPermissions"] for kind in OTHER_SOURCES)


def test_a_rule_revoked_by_somebody_else_in_the_same_moment_is_no_error(network: Network, ec2: Any) -> None:
    group_id = ensure(network, ec2).facts["security_group_id"]
    rule = {"GroupId": group_id, "IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": CIDRS[0]}
    ec2.authorize_security_group_ingress(**rule)
    refuse(ec2, "RevokeSecurityGroupIngress", "InvalidPermission.NotFound")
    assert ensure(network, ec2).ready


def test_a_group_of_another_owner_is_refused_and_never_changed(network: Network, ec2: Any) -> None:
    group_id = ec2.create_security_group(GroupName="eks-example-efs", Description="x", VpcId=network.vpc_id)["GroupId"]
    calls = Calls(ec2)
    with pytest.raises(TerminalError, match=group_id) as raised:
        ensure(network, ec2)
    assert raised.value.reason is ErrorReason.OWNED_BY_ANOTHER
    assert calls.mutating == []


def test_a_group_created_by_another_run_in_the_same_moment_is_looked_at_again(network: Network, ec2: Any) -> None:
    refuse(ec2, "CreateSecurityGroup", "InvalidGroup.Duplicate", meanwhile=lambda: ensure(network, ec2))
    with pytest.raises(RetryableError) as raised:
        ensure(network, ec2)
    assert raised.value.reason is ErrorReason.NOT_YET_CONSISTENT
    assert ensure(network, ec2).ready


def test_a_rule_added_by_another_run_in_the_same_moment_is_no_error(network: Network, ec2: Any) -> None:
    refuse(
        ec2,
        "AuthorizeSecurityGroupIngress",
        "InvalidPermission.Duplicate",
        meanwhile=lambda: ensure(network, ec2),
    )
    assert ensure(network, ec2).ready
    assert ingress(network, ec2) == [("tcp", 2049, 2049, cidr) for cidr in CIDRS]


@pytest.mark.parametrize(
    "operation", ["CreateSecurityGroup", "AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"]
)
def test_other_errors_are_passed_on(operation: str, network: Network, ec2: Any) -> None:
    if operation.startswith("Revoke"):
        rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": CIDRS[0]}
        ec2.authorize_security_group_ingress(GroupId=ensure(network, ec2).facts["security_group_id"], **rule)
    refuse(ec2, operation, "UnauthorizedOperation")
    with pytest.raises(ec2.exceptions.ClientError, match="UnauthorizedOperation"):
        ensure(network, ec2)
