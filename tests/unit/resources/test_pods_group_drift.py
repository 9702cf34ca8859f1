"""The cluster security group has to let pods out to their registry, and the API server in to them."""

from typing import Any

import pytest

from provisioner.resources import pods_group_drift
from provisioner.resources.vpc import Network, subnets_of
from tests.unit.resources.networks import SomebodysVpc
from tests.unit.resources.samples import request_for

PRIVATE = {"verification": {"image": "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/mirror/busybox:1.37"}}
INSIDE = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}
EVERYTHING = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


@pytest.mark.parametrize(
    ("egress", "ingress", "parts", "paths"),
    [
        (EVERYTHING, {"IpProtocol": "-1"}, {}, []),
        (EVERYTHING, INSIDE, {}, []),
        (INSIDE, {"IpProtocol": "-1"}, {}, ["egress.443/tcp"]),
        (INSIDE, {"IpProtocol": "-1"}, PRIVATE, []),
        (EVERYTHING, {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}, {}, ["ingress.10250/tcp"]),
    ],
)
def test_what_ails_the_group_is_told_and_nothing_else(
    egress: dict[str, Any], ingress: dict[str, Any], parts: dict[str, Any], paths: list[str], ec2: Any
) -> None:
    vpc = SomebodysVpc.made(ec2)
    group = ec2.create_security_group(GroupName="g", Description="g", VpcId=vpc.vpc_id)["GroupId"]
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[EVERYTHING])
    ec2.authorize_security_group_egress(GroupId=group, IpPermissions=[egress])
    own = {} if "IpRanges" in ingress else {"UserIdGroupPairs": [{"GroupId": group}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[{**ingress, **own}])
    cluster: Any = {"resourcesVpcConfig": {"clusterSecurityGroupId": group}}
    network = Network.from_subnets(vpc.vpc_id, subnets_of(vpc.subnet_ids, ec2))
    found = pods_group_drift.inspect(request_for(**parts), cluster, network, ec2)
    told = [difference for each in found for difference in each.differences]
    assert [each.path for each in told] == paths
    assert all(each.resource == f"security group {group}" and group in each.fix for each in told)


def test_without_a_cluster_there_is_no_group_to_look_at(ec2: Any) -> None:
    assert pods_group_drift.inspect(request_for(), None, None, ec2) == []
