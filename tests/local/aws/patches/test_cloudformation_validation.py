"""What CloudFormation refuses before it makes anything."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.local.aws.patches.conftest import Sandbox

REGISTRY = {"Type": "AWS::EventSchemas::Registry", "Properties": {"RegistryName": "one"}}
TOPIC = {"Topic": {"Type": "AWS::SNS::Topic"}}
EVERYWHERE = {"Resources": TOPIC}
SOMEWHERE = {"Resources": {**TOPIC, "Registry": REGISTRY}}
UNDER_A_CONDITION = {
    "Conditions": {"Never": {"Fn::Equals": ["one", "other"]}},
    "Resources": {**TOPIC, "Registry": {**REGISTRY, "Condition": "Never"}},
}
WORDS = "Template format error: Unrecognized resource types: [AWS::EventSchemas::Registry]"


def stacks_in(aws: Sandbox, region: str) -> Any:
    return aws.server.client("cloudformation", region=region)


def refusal_of(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**request)
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    return str(caught.value.response["Error"]["Message"])


def created(stacks: Any, template: Any, name: str = "one", **parameters: str) -> dict[str, str]:
    """The stack's outputs; the stack is gone again."""
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
    stacks.create_stack(StackName=name, TemplateBody=json.dumps(template), Parameters=given)
    (stack,) = stacks.describe_stacks(StackName=name)["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    stacks.delete_stack(StackName=name)
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


@pytest.mark.parametrize("template", [SOMEWHERE, UNDER_A_CONDITION])
def test_a_type_that_the_regions_registry_does_not_have_is_refused_there_and_made_elsewhere(
    aws: Sandbox, template: Any
) -> None:
    created(stacks_in(aws, "us-east-1"), template)
    stacks = stacks_in(aws, "mx-central-1")
    body = json.dumps(template)
    assert refusal_of(stacks.create_stack, StackName="one", TemplateBody=body) == WORDS
    assert refusal_of(stacks.validate_template, TemplateBody=body) == WORDS
    change_set = {"StackName": "one", "ChangeSetName": "one", "ChangeSetType": "CREATE", "TemplateBody": body}
    assert refusal_of(stacks.create_change_set, **change_set) == WORDS
    assert stacks.describe_stacks()["Stacks"] == []


def test_an_update_is_refused_likewise_and_changes_nothing(aws: Sandbox) -> None:
    stacks = stacks_in(aws, "mx-central-1")
    stacks.create_stack(StackName="one", TemplateBody=json.dumps(EVERYWHERE))
    assert refusal_of(stacks.update_stack, StackName="one", TemplateBody=json.dumps(SOMEWHERE)) == WORDS
    (stack,) = stacks.describe_stacks()["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    stacks.delete_stack(StackName="one")


def test_where_nothing_is_published_only_what_exists_nowhere_is_refused(aws: Sandbox) -> None:
    created(stacks_in(aws, "eusc-de-east-1"), SOMEWHERE)


def test_a_change_set_shows_what_the_conditions_let_be_made(aws: Sandbox) -> None:
    stacks = stacks_in(aws, "us-east-1")
    body = json.dumps(UNDER_A_CONDITION)
    stacks.create_change_set(StackName="one", ChangeSetName="one", ChangeSetType="CREATE", TemplateBody=body)
    changes = stacks.describe_change_set(StackName="one", ChangeSetName="one")["Changes"]
    assert [change["ResourceChange"]["LogicalResourceId"] for change in changes] == ["Topic"]
    stacks.delete_stack(StackName="one")


@pytest.mark.parametrize(
    ("region", "partition", "suffix"),
    [("eu-west-1", "aws", "amazonaws.com"), ("cn-north-1", "aws-cn", "amazonaws.com.cn")],
)
def test_a_template_is_told_its_partition(aws: Sandbox, region: str, partition: str, suffix: str) -> None:
    outputs = {name: {"Value": {"Ref": f"AWS::{name}"}} for name in ("Partition", "URLSuffix")}
    shown = created(stacks_in(aws, region), {**EVERYWHERE, "Outputs": outputs})
    assert shown == {"Partition": partition, "URLSuffix": suffix}


def ruled(assertion: Any, condition: Any = None) -> Any:
    rule = {"Assertions": [{"Assert": assertion, "AssertDescription": "Not so."}]}
    return {
        "Parameters": {
            "Size": {"Type": "String", "Default": "small"},
            "Zones": {"Type": "CommaDelimitedList", "Default": "a, b"},
        },
        "Rules": {"One": {**rule, **({"RuleCondition": condition} if condition else {})}},
        **EVERYWHERE,
    }


SMALL = {"Fn::Equals": [{"Ref": "Size"}, "small"]}
HERE = {"Fn::Equals": [{"Ref": "AWS::Region"}, "ap-northeast-1"]}


@pytest.mark.parametrize(
    "assertion",
    [
        SMALL,
        HERE,
        {"Fn::Not": [{"Fn::Equals": [{"Ref": "AWS::Partition"}, "aws-cn"]}]},
        {"Fn::And": [SMALL, HERE]},
        {"Fn::Or": [{"Fn::Not": [SMALL]}, HERE]},
        {"Fn::Contains": [["small", "large"], {"Ref": "Size"}]},
        {"Fn::EachMemberIn": [{"Ref": "Zones"}, ["a", "b", "c"]]},
        {"Fn::EachMemberEquals": [["small", "small"], {"Ref": "Size"}]},
    ],
)
def test_a_rule_lets_pass_what_it_asserts_and_nothing_else(aws: Sandbox, assertion: Any) -> None:
    stacks = stacks_in(aws, "ap-northeast-1")
    created(stacks, ruled(assertion))
    opposite = ruled({"Fn::Not": [assertion]})
    assert refusal_of(stacks.create_stack, StackName="one", TemplateBody=json.dumps(opposite)) == "Not so."
    assert stacks.describe_stacks()["Stacks"] == []


def test_a_rule_sees_the_parameters_that_are_given_and_counts_under_its_condition_only(aws: Sandbox) -> None:
    stacks = stacks_in(aws, "ap-northeast-1")
    large = [{"ParameterKey": "Size", "ParameterValue": "large"}]
    body = json.dumps(ruled(SMALL))
    assert refusal_of(stacks.create_stack, StackName="one", TemplateBody=body, Parameters=large) == "Not so."
    created(stacks, ruled(SMALL, condition={"Fn::Not": [HERE]}), Size="large")
    stacks.create_stack(StackName="one", TemplateBody=body)
    assert refusal_of(stacks.update_stack, StackName="one", TemplateBody=body, Parameters=large) == "Not so."
    stacks.delete_stack(StackName="one")


def test_a_stack_takes_no_tag_without_a_value(aws: Sandbox) -> None:
    stacks = aws.server.client("cloudformation", config=Config(parameter_validation=False))
    said = refusal_of(
        stacks.create_stack, StackName="t", TemplateBody=json.dumps(EVERYWHERE), Tags=[{"Key": "team", "Value": ""}]
    )
    assert "Member must have length greater than or equal to 1" in said
