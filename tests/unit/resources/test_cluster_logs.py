from pathlib import Path
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from provisioner.fields import LOG_RETENTION_DAYS
from provisioner.resources import cluster_logs, cluster_logs_drift
from tests.unit.resources.aws_calls import Calls, refuse
from tests.unit.resources.samples import OWNER_TAGS, request_for
from tools.templates import load_template

GROUP = "/aws/eks/eks-example/cluster"
ROOT = Path(__file__).parents[3]


def group(logs: Any) -> Any:
    (found,) = logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"]
    return found


def test_the_log_group_is_made_with_an_end_and_the_owner_tag_before_eks_makes_one(logs: Any) -> None:
    cluster_logs.ensure(request_for(), logs)
    assert group(logs)["retentionInDays"] == 90
    assert logs.list_tags_for_resource(resourceArn=group(logs)["arn"].removesuffix(":*"))["tags"] == OWNER_TAGS


def test_the_log_group_that_eks_made_meanwhile_gets_the_end_that_was_asked_for(logs: Any) -> None:
    refuse(
        logs,
        "CreateLogGroup",
        "ResourceAlreadyExistsException",
        meanwhile=lambda: logs.create_log_group(logGroupName=GROUP),
    )
    cluster_logs.ensure(request_for(cluster={"control_plane_log_retention_days": 7}), logs)
    assert group(logs)["retentionInDays"] == 7


def test_once_it_is_right_it_is_only_looked_at(logs: Any) -> None:
    cluster_logs.ensure(request_for(), logs)
    calls = Calls(logs)
    cluster_logs.ensure(request_for(), logs)
    assert calls.names == ["DescribeLogGroups", "ListTagsForResource"]


def test_a_group_that_eks_made_gets_the_tags_and_one_that_somebody_else_gave_it_stays(logs: Any) -> None:
    logs.create_log_group(logGroupName=GROUP, tags={"cost-center": "0815", "theirs": "kept"})
    cluster_logs.ensure(request_for(tags={"cost-center": "4711"}), logs)
    assert cluster_logs.tags_of(group(logs), logs) == {**OWNER_TAGS, "cost-center": "4711", "theirs": "kept"}


def test_a_tag_that_is_gone_or_another_is_told_and_one_that_nobody_asked_for_is_not(logs: Any) -> None:
    request = request_for(tags={"cost-center": "4711", "team": "red"})
    cluster_logs.ensure(request, logs)
    found = group(logs)
    tags = cluster_logs.tags_of(found, logs)
    assert cluster_logs_drift.inspect(request, found, tags).differences == ()
    changed = {**OWNER_TAGS, "cost-center": "0815", "theirs": "kept"}
    told = {
        each.path: (each.expected, each.actual)
        for each in cluster_logs_drift.inspect(request, found, changed).differences
    }
    assert told == {"tags.cost-center": ("4711", "0815"), "tags.team": ("red", None)}


def test_without_logs_no_group_is_made_and_an_old_one_still_comes_to_an_end(logs: Any) -> None:
    without = request_for(cluster={"control_plane_logs": []})
    cluster_logs.ensure(without, logs)
    assert logs.describe_log_groups()["logGroups"] == []
    logs.create_log_group(logGroupName=GROUP)
    cluster_logs.ensure(without, logs)
    assert group(logs)["retentionInDays"] == 90


def test_a_group_whose_name_only_begins_the_same_is_another_one(logs: Any) -> None:
    logs.create_log_group(logGroupName=f"{GROUP}-of-others")
    cluster_logs.ensure(request_for(), logs)
    kept = {each["logGroupName"]: each.get("retentionInDays") for each in logs.describe_log_groups()["logGroups"]}
    assert kept == {GROUP: 90, f"{GROUP}-of-others": None}


@pytest.mark.parametrize("source", ["registry", "template"])
def test_the_days_are_those_that_cloudwatch_logs_knows(source: str) -> None:
    if source == "registry":
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", "AWS::Logs::LogGroup").schema
        allowed = schema["properties"]["RetentionInDays"]["enum"]
    else:
        allowed = load_template(ROOT / "template.yaml")["Parameters"]["LogRetentionDays"]["AllowedValues"]
    assert tuple(allowed) == LOG_RETENTION_DAYS
