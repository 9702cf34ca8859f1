"""What the security group is not, found without touching it."""

from typing import Any

import pytest

from provisioner.difference import Difference
from provisioner.resources import security_group, security_group_drift
from provisioner.resources.vpc import Network
from tests.unit.resources.aws_calls import Calls
from tests.unit.resources.samples import request_for
from tests.unit.resources.test_security_group import CIDRS
from tests.unit.resources.test_security_group import network as network

NFS = {"IpProtocol": "tcp", "FromPort": 2049, "ToPort": 2049}


@pytest.fixture
def group_id(network: Network, ec2: Any) -> str:
    return str(security_group.ensure(request_for(), network, ec2).facts["security_group_id"])


def inspect(network: Network, ec2: Any) -> tuple[Difference, ...]:
    group = security_group.find(request_for(), network, ec2)
    return security_group_drift.inspect(request_for(), network, group).differences


def test_a_group_as_ensure_leaves_it_has_no_difference_and_looking_changes_nothing(
    group_id: str, network: Network, ec2: Any
) -> None:
    calls = Calls(ec2)
    assert inspect(network, ec2) == ()
    assert calls.names == ["DescribeSecurityGroups"]


def test_a_missing_rule_is_critical_and_named_by_port_and_cidr(group_id: str, network: Network, ec2: Any) -> None:
    ec2.revoke_security_group_ingress(GroupId=group_id, **NFS, CidrIp=CIDRS[1])
    (difference,) = inspect(network, ec2)
    assert difference.payload() == {
        "resource": f"security group {group_id}",
        "path": "ingress.2049/tcp.10.0.2.0/24",
        "expected": "allowed",
        "actual": None,
        "severity": "critical",
        "fix": f"a run allows 2049/tcp.10.0.2.0/24 in {group_id} again",
        "repairable": True,
    }


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ({**NFS, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}, "ingress.2049/tcp.0.0.0.0/0"),
        ({**NFS, "FromPort": 2000, "IpRanges": [{"CidrIp": CIDRS[0]}]}, "ingress.2000-2049/tcp.10.0.1.0/24"),
        ({**NFS, "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}, "ingress.2049/tcp.::/0"),
        ({"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}, "ingress.all.0.0.0.0/0"),
    ],
)
def test_an_extra_rule_is_told_once_whatever_it_admits(
    rule: Any, path: str, group_id: str, network: Network, ec2: Any
) -> None:
    ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[rule])
    (difference,) = inspect(network, ec2)
    assert (difference.path, difference.expected, difference.actual) == (path, None, "allowed")
    assert (difference.severity, difference.repairable) == ("warning", True)


def test_an_extra_rule_for_another_group_names_that_group(group_id: str, network: Network, ec2: Any) -> None:
    pair = {"GroupId": group_id}
    ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[{**NFS, "UserIdGroupPairs": [pair]}])
    assert [each.path for each in inspect(network, ec2)] == [f"ingress.2049/tcp.{group_id}"]


def test_a_group_that_is_gone_is_one_difference(network: Network, ec2: Any) -> None:
    (difference,) = inspect(network, ec2)
    assert (difference.resource, difference.path) == ("security group eks-example-efs", "exists")
    assert difference.repairable


def test_a_group_without_our_tag_is_told_and_not_repairable(group_id: str, network: Network, ec2: Any) -> None:
    ec2.delete_tags(Resources=[group_id], Tags=[{"Key": "eks-efs-provisioner/cluster"}])
    (difference,) = inspect(network, ec2)
    assert (difference.path, difference.expected, difference.actual) == (
        "tags.eks-efs-provisioner/cluster",
        "eks-example",
        None,
    )
    assert not difference.repairable
    assert group_id in difference.fix


def test_a_group_of_ours_in_another_vpc_is_told_with_both(group_id: str, network: Network, ec2: Any) -> None:
    elsewhere = security_group_drift.find_elsewhere(request_for(), ec2)
    moved = Network("vpc-2", network.private_subnets)
    (difference,) = security_group_drift.inspect(request_for(), moved, elsewhere).differences
    assert (difference.path, difference.expected, difference.actual) == ("vpc", "vpc-2", network.vpc_id)


def test_somebody_elses_group_of_that_name_is_not_ours_to_find(network: Network, ec2: Any) -> None:
    ec2.create_security_group(GroupName="eks-example-efs", Description="x", VpcId=network.vpc_id)
    assert security_group_drift.find_elsewhere(request_for(), ec2) is None


def test_rules_are_not_judged_without_the_network_that_says_which(group_id: str, network: Network, ec2: Any) -> None:
    group = security_group.find(request_for(), network, ec2)
    assert security_group_drift.inspect(request_for(), None, group).differences == ()
