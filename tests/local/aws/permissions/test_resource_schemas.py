"""The CloudFormation registry as the rest reads it."""

import pytest

from local.aws.resource_schemas import created_by, resource_schema


def test_a_handler_names_its_permissions() -> None:
    schema = resource_schema("AWS::EC2::VPCGatewayAttachment", "eu-west-1")
    for handler in ("create", "read", "delete"):
        assert "ec2:DescribeVpnGateways" in schema.handlers[handler]


def test_permissions_of_several_handlers_come_once() -> None:
    permissions = resource_schema("AWS::EC2::VPC", "eu-west-1").permissions("create", "read")
    assert permissions.count("ec2:DescribeVpcs") == 1


def test_a_call_creates_the_type_of_its_name() -> None:
    found = created_by("eks", "CreateFargateProfile", "eu-west-1")
    assert found is not None
    assert found.type_name == "AWS::EKS::FargateProfile"
    assert created_by("eks", "DescribeCluster", "eu-west-1") is None
    assert created_by("ec2", "CreateTags", "eu-west-1") is None


@pytest.mark.parametrize(("name", "region"), [("AWS::EC2::Nothing", "eu-west-1"), ("AWS::EC2::VPC", "moon-1")])
def test_what_the_registry_does_not_know_is_an_error(name: str, region: str) -> None:
    with pytest.raises(LookupError, match=region):
        resource_schema(name, region)


def test_a_type_that_a_region_lacks_is_not_in_its_registry() -> None:
    with pytest.raises(LookupError, match="AWS::EKS::FargateProfile is not in"):
        resource_schema("AWS::EKS::FargateProfile", "us-gov-west-1")
