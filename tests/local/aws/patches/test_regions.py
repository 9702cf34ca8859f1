"""Deploying in each region of docs/regions.md: it succeeds, or is refused with one sentence before anything is made.

Regions that are alike in partition, in what they lack and in the answer are deployed in once, for real. In each of the
others the same packages get change sets, the nested stacks too: CloudFormation there looks at every type, rule and
condition, which is all that regions differ in, and it costs a twentieth of a deployment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from itertools import groupby
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.aws.deploy import Packager, artifact_bucket, deploy
from tests.local.aws.patches.conftest import Sandbox
from tools import regions
from tools.event_schemas import ROOT
from tools.regions import Region

NAME = "eks-efs-provisioner"
TEMPLATE = ROOT / "template.yaml"
ANSWERS = dict(
    re.findall(r"^\| ([a-z]+-[a-z0-9-]+) \| ([^|]+) \|", (ROOT / "docs/regions.md").read_text(), re.MULTILINE)
)
SENTENCE = re.compile(
    r"This stack cannot be deployed in this region: docs/regions.md says why, and where it can be deployed; from there "
    r"it makes clusters in other regions too\."
)


def kind(region: Region) -> tuple[str, str]:
    answer = ANSWERS[region.name]
    return (region.partition if answer.startswith("yes") else ""), answer


KINDS = [list(alike) for _, alike in groupby(sorted(regions.regions(), key=kind), key=kind)]
FIRST = [alike[0].name for alike in KINDS]
OTHERS = [region.name for alike in KINDS for region in alike[1:]]


def test_the_table_has_every_region_that_there_is() -> None:
    assert sorted(FIRST + OTHERS) == sorted(ANSWERS)


@pytest.mark.parametrize("region", FIRST)
def test_deploying_in_one_region_of_each_kind_makes_what_the_table_says_or_nothing(aws: Sandbox, region: str) -> None:
    stacks = aws.server.client("cloudformation", region=region)
    parameters = {"RolePrefix": region}  # roles are of the whole account
    if not ANSWERS[region].startswith("yes"):
        with pytest.raises(ClientError) as refused:
            deploy(aws.server, TEMPLATE, NAME, parameters, region=region)
        assert SENTENCE.fullmatch(refused.value.response["Error"]["Message"])
        assert stacks.describe_stacks()["Stacks"] == []
        return
    outputs = deploy(aws.server, TEMPLATE, NAME, parameters, region=region)
    assert f":{region}:" in outputs["ProvisionStateMachineArn"]
    events = stacks.describe_stack_events(StackName=NAME)["StackEvents"]
    made = {event["LogicalResourceId"] for event in events if event["ResourceStatus"] == "CREATE_COMPLETE"}
    assert ("EventSchemas" in made) is (ANSWERS[region] == "yes")


@pytest.mark.parametrize("region", OTHERS)
def test_a_change_set_in_every_other_region_holds_what_the_table_says_or_is_refused(
    aws: Sandbox, region: str, packaged: Callable[[str], tuple[dict[str, Any], str]]
) -> None:
    stacks = aws.server.client("cloudformation", region=region)
    template, place = packaged(region)
    if not ANSWERS[region].startswith("yes"):
        with pytest.raises(ClientError) as refused:
            plan(stacks, NAME, place)
        assert SENTENCE.fullmatch(refused.value.response["Error"]["Message"])
        assert stacks.describe_stacks()["Stacks"] == []
        return
    plan(stacks, NAME, place)
    changes = stacks.describe_change_set(StackName=NAME, ChangeSetName=NAME)["Changes"]
    added = (change["ResourceChange"] for change in changes)
    nested = {each["LogicalResourceId"] for each in added if each["ResourceType"] == "AWS::CloudFormation::Stack"}
    everywhere = {"Alarms", "Dashboard", "Notifications", "TargetAccount"}
    assert nested == everywhere | ({"EventSchemas"} if ANSWERS[region] == "yes" else set())
    for name in nested:
        properties = template["Resources"][name]["Properties"]
        plan(stacks, name, properties["TemplateURL"], properties["Parameters"])


def plan(stacks: Any, name: str, place: str, parameters: Any = None) -> None:
    """A change set that would make the stack. Raises: ClientError, when CloudFormation refuses it."""
    given = [{"ParameterKey": key, "ParameterValue": "1"} for key in parameters or {}]
    stacks.create_change_set(
        StackName=name, ChangeSetName=name, ChangeSetType="CREATE", TemplateURL=place, Parameters=given
    )


@pytest.fixture(scope="module")
def packaged(aws: Sandbox) -> Callable[[str], tuple[dict[str, Any], str]]:
    @cache
    def by_partition(partition: str) -> tuple[dict[str, Any], str]:
        """The template as CloudFormation gets it, and where it has been put: once for the whole partition."""
        region = next(each.name for each in regions.regions() if each.partition == partition)
        packager = Packager(aws.server, region, artifact_bucket(aws.server, "plans", region))
        accepted = partition in {each.partition for each in regions.deployable()}
        body = packager.packaged(TEMPLATE, {}) if accepted else json.dumps(by_partition("aws")[0])
        return json.loads(body), packager.template_argument(body)["TemplateURL"]

    partitions = {region.name: region.partition for region in regions.regions()}
    return lambda region: by_partition(partitions[region])
