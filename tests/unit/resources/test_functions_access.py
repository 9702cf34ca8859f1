"""Functions in a VPC are let in to the private endpoint by name, where their group can be named."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from provisioner.resources import functions_access
from provisioner.resources.functions_access import Functions
from tests.unit.resources.aws_calls import Calls, refuse
from tests.unit.resources.fake_eks import FakeEks
from tests.unit.resources.samples import ACCOUNT_ID, request_for
from tests.unit.resources.test_cluster import active


@pytest.fixture
def vpc_id(ec2: Any) -> str:
    return str(ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"])


def group(ec2: Any, vpc_id: str, name: str) -> str:
    return str(ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc_id)["GroupId"])


@pytest.fixture
def of_cluster(ec2: Any, eks: FakeEks, vpc_id: str) -> str:
    made = group(ec2, vpc_id, "eks-cluster-sg")
    active(request_for(), eks)["resourcesVpcConfig"]["clusterSecurityGroupId"] = made
    return made


def admitted(ec2: Any, group_id: str) -> list[tuple[int, int, str]]:
    (found,) = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
    return [
        (rule["FromPort"], rule["ToPort"], pair["GroupId"])
        for rule in found["IpPermissions"]
        for pair in rule["UserIdGroupPairs"]
    ]


def ensure(ec2: Any, eks: FakeEks, *groups: str, access: str = "private") -> None:
    request = request_for(cluster={"endpoint_access": access})
    functions_access.ensure(request, Functions(ACCOUNT_ID, (), groups), eks.client, ec2)


@pytest.mark.parametrize("access", ["private", "public_and_private"])
def test_the_cluster_security_group_admits_each_of_their_groups_at_443_once(
    access: str, ec2: Any, eks: FakeEks, vpc_id: str, of_cluster: str
) -> None:
    one, other = group(ec2, vpc_id, "one"), group(ec2, vpc_id, "other")
    ensure(ec2, eks, one, access=access)
    ensure(ec2, eks, one, other, access=access)
    assert sorted(admitted(ec2, of_cluster)) == sorted([(443, 443, one), (443, 443, other)])
    calls = Calls(ec2)
    ensure(ec2, eks, one, other, access=access)
    assert calls.mutating == []


@pytest.mark.parametrize(("access", "in_vpc"), [("public", True), ("private", False)])
def test_nothing_is_admitted_where_there_is_no_private_endpoint_or_no_vpc_of_theirs(
    access: str, in_vpc: bool, ec2: Any, eks: FakeEks, vpc_id: str, of_cluster: str
) -> None:
    ensure(ec2, eks, *([group(ec2, vpc_id, "one")] if in_vpc else []), access=access)
    assert admitted(ec2, of_cluster) == []


def test_a_group_that_cannot_be_named_there_is_a_persons_to_let_in_and_any_other_error_is_one(
    ec2: Any, eks: FakeEks, of_cluster: str
) -> None:
    refuse(ec2, "AuthorizeSecurityGroupIngress", "InvalidGroup.NotFound")
    ensure(ec2, eks, "sg-elsewhere")
    assert admitted(ec2, of_cluster) == []
    refuse(ec2, "AuthorizeSecurityGroupIngress", "UnauthorizedOperation")
    with pytest.raises(ClientError, match="UnauthorizedOperation"):
        ensure(ec2, eks, "sg-elsewhere")


def test_where_they_are_is_in_the_environment() -> None:
    given = {"FUNCTIONS_ACCOUNT_ID": ACCOUNT_ID, "FUNCTIONS_SUBNET_IDS": "subnet-1"}
    inside = Functions.of({**given, "FUNCTIONS_SECURITY_GROUP_IDS": "sg-1,sg-2"})
    assert inside == Functions(ACCOUNT_ID, ("subnet-1",), ("sg-1", "sg-2"))
    outside = {**given, "FUNCTIONS_SUBNET_IDS": "", "FUNCTIONS_SECURITY_GROUP_IDS": ""}
    assert Functions.of(outside) == Functions(ACCOUNT_ID, (), ())
