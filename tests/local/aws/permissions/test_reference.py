"""The Service Authorization Reference as the rest reads it."""

import pytest

from local.aws.permissions import reference


def test_every_service_of_the_reference_can_be_read() -> None:
    services = [reference.service(prefix) for prefix in reference.services()]
    assert len(services) > 400
    assert sum(len(service.actions) for service in services) > 18_000


def test_an_action_knows_its_resource_types_and_which_of_them_it_cannot_do_without() -> None:
    action = reference.action("ec2:CreateSecurityGroup")
    assert {target.type.name: target.required for target in action.targets} == {"security-group": True, "vpc": False}


def test_an_action_without_resource_level_permissions_has_no_targets() -> None:
    assert reference.action("eks:CreateCluster").targets == ()


@pytest.mark.parametrize("name", ["EKS:createcluster", "eks:CreateCluster"])
def test_an_action_is_found_in_any_letter_case(name: str) -> None:
    assert str(reference.action(name)) == "eks:CreateCluster"


@pytest.mark.parametrize("name", ["eks:MakeCluster", "nosuch:CreateCluster", "eks"])
def test_what_the_reference_does_not_know_is_an_error(name: str) -> None:
    with pytest.raises(LookupError, match=name.split(":")[0]):
        reference.action(name)


def test_a_condition_key_belongs_to_the_actions_that_list_it() -> None:
    assert reference.action("kms:CreateGrant").supports("kms:GrantIsForAWSResource")
    assert not reference.action("kms:DescribeKey").supports("kms:GrantIsForAWSResource")


def test_a_key_with_a_placeholder_stands_for_every_name_in_its_place() -> None:
    action = reference.action("ec2:CreateSecurityGroup")
    assert action.supports("aws:RequestTag/eks-efs-provisioner/cluster")
    assert not action.supports("aws:RequestTag/")


def test_a_condition_key_may_belong_to_one_of_an_actions_resource_types_alone() -> None:
    action = reference.action("ec2:CreateSecurityGroup")
    assert action.supports("aws:RequestTag/owner", action.target("security-group"))
    assert not action.supports("aws:RequestTag/owner", action.target("vpc"))
    assert action.supports("aws:ResourceTag/owner", action.target("vpc"))


def test_the_keys_of_a_resource_type_are_those_of_every_action_on_it() -> None:
    action = reference.action("eks:CreateFargateProfile")
    assert action.supports("aws:ResourceTag/owner", action.target("cluster"))


def test_a_condition_key_has_aws_type() -> None:
    key = reference.service("elasticfilesystem").condition_key("elasticfilesystem:Encrypted")
    assert key is not None
    assert key.type == "Bool"
    assert reference.service("elasticfilesystem").condition_key("elasticfilesystem:Encrypted2") is None


def test_an_arn_has_what_is_known_and_stars_for_the_rest() -> None:
    profile = reference.service("eks").resource_types["fargateprofile"]
    assert profile.placeholders == ("ClusterName", "FargateProfileName", "UUID")
    arn = profile.arn_of(partition="aws", region="eu-west-1", account_id="111122223333", ClusterName="one")
    assert arn == "arn:aws:eks:eu-west-1:111122223333:fargateprofile/one/*/*"
