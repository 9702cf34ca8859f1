"""IAM's wildcards, of which every call asks for many."""

import pytest

from local.aws.policies import matches_any


@pytest.mark.parametrize(
    ("patterns", "value", "matches"),
    [
        (["eks:*"], "eks:DescribeCluster", True),
        (["ec2:*", "efs:Describe*"], "efs:DescribeMountTargets", True),
        (["ec2:*", "efs:Describe*"], "efs:CreateTags", False),
        (["arn:aws:s3:::a|b/*"], "arn:aws:s3:::a|b/c", True),
        (["a", "ab?"], "abc", True),
        (["a", "ab?"], "ab", False),
        (["a.c"], "abc", False),
        ([], "", False),
        (["EKS:describe*"], "eks:DescribeCluster", False),
    ],
)
def test_any_of_several_patterns_has_to_match_the_whole(patterns: list[str], value: str, matches: bool) -> None:
    assert matches_any(patterns, value) is matches


def test_actions_have_no_case() -> None:
    assert matches_any(["EKS:describe*"], "eks:DescribeCluster", ignore_case=True)
