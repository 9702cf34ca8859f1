"""Fargate profiles of the embedded EKS come one at a time and only as Fargate takes them."""

from typing import Any

import pytest

from tests.local.aws.calls import FARGATE, code, make_profile, request_for


def test_a_profile_is_creating_then_active_then_deleting_then_gone(parts: Any, cluster: Any, network: Any) -> None:
    eks = parts.client("eks")
    which = {"clusterName": "demo", "fargateProfileName": "pods"}
    assert make_profile(parts, eks)["status"] == "CREATING"
    assert eks.describe_fargate_profile(**which)["fargateProfile"]["status"] == "CREATING"
    parts.clock.pass_time()
    active = eks.describe_fargate_profile(**which)["fargateProfile"]
    assert (active["status"], active["subnets"]) == ("ACTIVE", network.private_subnets)
    assert eks.list_fargate_profiles(clusterName="demo")["fargateProfileNames"] == ["pods"]
    eks.delete_fargate_profile(**which)
    assert eks.describe_fargate_profile(**which)["fargateProfile"]["status"] == "DELETING"
    parts.clock.pass_time()
    assert code(eks.describe_fargate_profile, **which) == "ResourceNotFoundException"


def test_only_one_profile_is_created_or_deleted_at_a_time(parts: Any, cluster: Any) -> None:
    eks = parts.client("eks")
    make_profile(parts, eks)
    assert code(make_profile, parts=parts, eks=eks, name="more") == "ResourceInUseException"
    parts.clock.pass_time()
    assert code(make_profile, parts=parts, eks=eks) == "ResourceInUseException"
    eks.delete_fargate_profile(clusterName="demo", fargateProfileName="pods")
    assert code(make_profile, parts=parts, eks=eks, name="more") == "ResourceInUseException"


def test_bad_parameters_of_a_profile_are_refused(parts: Any, cluster: Any, network: Any) -> None:
    eks = parts.client("eks")
    wrong_trust = parts.role("untrusted", "ec2.amazonaws.com")
    with_path = parts.role("pathy", FARGATE, Path="/team/")
    bad: list[dict[str, Any]] = [
        {"subnets": [network.public_subnet]},
        {"subnets": ["subnet-0"]},
        {"selectors": []},
        {"selectors": [{"namespace": f"n{i}"} for i in range(6)]},
        {"selectors": [{"labels": {"a": "b"}}]},
        {"podExecutionRoleArn": "arn:aws:iam::123456789012:role/nobody"},
        {"podExecutionRoleArn": wrong_trust},
        {"podExecutionRoleArn": with_path},
    ]
    for changes in bad:
        assert code(make_profile, parts=parts, eks=eks, **changes) == "InvalidParameterException", changes


@pytest.mark.parametrize(
    ("region", "answer"), [("us-gov-west-1", "AccessDeniedException"), ("mx-central-1", "ResourceNotFoundException")]
)
def test_there_are_no_profiles_in_a_region_whose_registry_has_none(parts: Any, region: str, answer: str) -> None:
    assert code(make_profile, parts=parts, eks=parts.client("eks", region=region)) == answer


def test_the_trust_of_the_pod_execution_role_may_name_the_clusters_profiles(parts: Any, cluster: Any) -> None:
    eks = parts.client("eks")
    for name, of in (("right", "demo"), ("wrong", "other")):
        pattern = f"arn:aws:eks:ap-northeast-1:123456789012:fargateprofile/{of}/*"
        parts.role(name, FARGATE, statement={"Condition": {"ArnLike": {"aws:SourceArn": pattern}}})
    wrong, right = (f"arn:aws:iam::123456789012:role/{name}" for name in ("wrong", "right"))
    assert code(make_profile, parts=parts, eks=eks, podExecutionRoleArn=wrong) == "InvalidParameterException"
    assert make_profile(parts, eks, podExecutionRoleArn=right)["status"] == "CREATING"


def test_eks_lets_the_pod_execution_role_in_when_a_profile_is_made(parts: Any, cluster: Any) -> None:
    eks = parts.client("eks")
    role = make_profile(parts, eks)["podExecutionRoleArn"]
    entry = eks.describe_access_entry(clusterName="demo", principalArn=role)["accessEntry"]
    assert entry["type"] == "FARGATE_LINUX"


def test_a_profile_needs_an_active_cluster(parts: Any, network: Any) -> None:
    eks = parts.client("eks")
    eks.create_cluster(**request_for(parts, network))
    assert code(make_profile, parts=parts, eks=eks) == "InvalidRequestException"


def test_no_profile_is_deleted_while_another_is_or_the_cluster_is_updated(parts: Any, cluster: Any) -> None:
    eks = parts.client("eks")
    for name in ("one", "two"):
        make_profile(parts, eks, name)
        parts.clock.pass_time()
    eks.update_cluster_config(name="demo", logging={"clusterLogging": [{"types": ["audit"], "enabled": True}]})
    assert code(eks.delete_fargate_profile, clusterName="demo", fargateProfileName="one") == "ResourceInUseException"
    parts.clock.pass_time()
    eks.delete_fargate_profile(clusterName="demo", fargateProfileName="one")
    assert code(eks.delete_fargate_profile, clusterName="demo", fargateProfileName="two") == "ResourceInUseException"
    parts.clock.pass_time()
    eks.delete_fargate_profile(clusterName="demo", fargateProfileName="two")
