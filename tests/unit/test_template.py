"""What the templates promise, and what the documents say of them."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from tests.policies.documents import as_deployed
from tools.templates import load_template

ROOT = Path(__file__).resolve().parents[2]
RESOURCES: dict[str, Any] = load_template(ROOT / "template.yaml")["Resources"]
ALARMS: dict[str, Any] = load_template(ROOT / "operations" / "alarms.yaml")["Resources"]
FUNCTIONS = {name: each for name, each in RESOURCES.items() if each["Type"] == "AWS::Serverless::Function"}


def alarm_names() -> dict[str, str]:
    """Logical id -> name without the stack's."""
    return {
        name: each["Properties"]["AlarmName"]["Fn::Sub"].removeprefix("${Name}-")
        for name, each in ALARMS.items()
        if each["Type"] == "AWS::CloudWatch::Alarm"
    }


def test_the_guide_has_a_heading_for_every_alarm_and_for_no_other() -> None:
    guide = (ROOT / "docs" / "operate.md").read_text()
    section = guide.partition("## Alarms")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"^### (.+)$", section, re.MULTILINE)) == sorted(alarm_names().values())


def test_every_alarm_names_its_heading_and_tells_the_topic() -> None:
    for name, heading in alarm_names().items():
        properties = ALARMS[name]["Properties"]
        assert f"docs/operate.md, {heading}." in properties["AlarmDescription"]
        assert properties["AlarmActions"] == [{"Ref": "TopicArn"}]


def test_the_dashboard_shows_every_alarm() -> None:
    resources = load_template(ROOT / "operations" / "dashboard.yaml")["Resources"]
    body = resources["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    assert sorted(re.findall(r":alarm:\$\{Name\}-([\w-]+)", body)) == sorted(alarm_names().values())


def test_a_function_has_a_dead_letter_queue_when_and_only_when_something_invokes_it_asynchronously() -> None:
    """Why .checkov.yaml does not ask every function for one."""
    targets = [target["Arn"] for each in RESOURCES.values() for target in _targets(each)]
    asynchronous = {target["Fn::GetAtt"][0] for target in targets if "Fn::GetAtt" in target} & FUNCTIONS.keys()
    assert asynchronous == {"NotifyFunction"}
    assert {name for name, each in FUNCTIONS.items() if "DeadLetterQueue" in each["Properties"]} == asynchronous
    assert not [name for name, each in FUNCTIONS.items() if "Events" in each["Properties"]]


def test_the_functions_that_talk_to_kubernetes_can_be_put_into_a_vpc_under_roles_that_let_lambda_do_so() -> None:
    """Lambda makes the network interfaces under the function's role."""
    inside = {name: each["Properties"] for name, each in FUNCTIONS.items() if "VpcConfig" in each["Properties"]}
    assert set(inside) == {
        f"{name}Function"
        for name in (
            "ApplyStorage",
            "CheckRemoval",
            "CleanUpVerification",
            "DiagnoseFailure",
            "FindExisting",
            "FindRemaining",
            "InspectStorage",
            "PlanChanges",
            "RemoveStorage",
            "VerifyStorage",
        )
    }
    for properties in inside.values():
        role = RESOURCES[properties["Role"]["Fn::GetAtt"][0]]["Properties"]
        (attach,) = [policy["Fn::If"] for policy in role["ManagedPolicyArns"] if "Fn::If" in policy]
        assert attach[0] == "InVpc"
        assert "AWSLambdaENIManagementAccess" in json.dumps(attach[1])


def test_every_rule_has_a_dead_letter_queue_for_every_target() -> None:
    templates = [ROOT / "template.yaml", *(ROOT / "operations").glob("*.yaml"), *(ROOT / "accounts").glob("*.yaml")]
    targets = [
        target
        for path in templates
        for resource in load_template(path)["Resources"].values()
        for target in _targets(resource)
    ]
    assert len(targets) >= 5
    assert all("Arn" in target["DeadLetterConfig"] for target in targets)


def test_every_statement_of_a_role_has_a_name_of_its_own() -> None:
    """By which a refusal, the table of permissions and a person can tell it from the others."""
    templates = [ROOT / "template.yaml", *(ROOT / "operations").glob("*.yaml"), *(ROOT / "accounts").glob("*.yaml")]
    resources = [resource for path in templates for resource in load_template(path)["Resources"].values()]
    names = [[statement.get("Sid") for statement in _statements(resource)] for resource in resources]
    assert sum(map(len, names)) > 50
    assert [each for each in names if None in each or len(set(each)) < len(each)] == []


def _statements(resource: Any) -> list[Any]:
    properties = resource.get("Properties", {})
    match resource["Type"]:
        case "AWS::IAM::Role":
            documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        case "AWS::IAM::ManagedPolicy":
            documents = [properties["PolicyDocument"]]
        case _:
            documents = []
    return [statement for document in documents for statement in document["Statement"]]


def _targets(resource: Any) -> list[Any]:
    properties = resource.get("Properties", {})
    match resource["Type"]:
        case "AWS::Events::Rule":
            return list(properties["Targets"])
        case "AWS::Scheduler::Schedule":
            return [properties["Target"]]
        case _:
            return []


def test_every_log_group_has_a_retention_and_the_stacks_key() -> None:
    paths = [ROOT / "template.yaml", *(ROOT / "operations").glob("*.yaml")]
    groups = [
        resource["Properties"]
        for path in paths
        for resource in load_template(path)["Resources"].values()
        if resource["Type"] == "AWS::Logs::LogGroup"
    ]
    assert len(groups) >= 3
    assert all({"RetentionInDays", "KmsKeyId"} <= group.keys() for group in groups)


def test_the_evidence_bucket_can_have_nothing_public() -> None:
    block = RESOURCES["EvidenceBucket"]["Properties"]["PublicAccessBlockConfiguration"]
    assert [*block.values()] == [True] * 4


def test_what_starts_a_run_by_itself_are_events_that_only_aws_can_put() -> None:
    """No customer can put an event whose source begins with aws.: docs/assumptions.md, REQ-18."""
    rules = {
        (path.name, name): each["Properties"]
        for path in (ROOT / "template.yaml", *sorted((ROOT / "accounts").glob("*.yaml")))
        for name, each in load_template(path)["Resources"].items()
        if each["Type"] == "AWS::Events::Rule"
    }
    starting = {
        where: rule
        for where, rule in rules.items()
        if any(target["Arn"] == {"Ref": "ProvisionStateMachine"} for target in rule["Targets"])
        or where[0] == "management.yaml"
    }
    assert len(starting) == 4
    for rule in starting.values():
        assert rule["EventPattern"]["source"] in (["aws.controltower"], ["aws.organizations"])
        assert rule["EventPattern"]["detail-type"] == ["AWS Service Event via CloudTrail"]
        assert rule.get("EventBusName", "default") == "default"


def test_the_hubs_bus_lets_in_one_account_with_those_sources_alone() -> None:
    (policy,) = [each["Properties"] for each in RESOURCES.values() if each["Type"] == "AWS::Events::EventBusPolicy"]
    statement = policy["Statement"]
    assert statement["Principal"] == {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${ManagementAccountId}:root"}}
    assert statement["Action"] == "events:PutEvents"
    (condition,) = statement["Condition"].values()
    assert condition == {"events:source": ["aws.controltower", "aws.organizations"]}


def test_the_example_of_samconfig_sets_parameters_that_there_are() -> None:
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    named = {each.partition("=")[0] for each in config["example"]["deploy"]["parameters"]["parameter_overrides"]}
    assert named
    assert named <= load_template(ROOT / "template.yaml")["Parameters"].keys()


BOUNDARY = {
    "Fn::If": [
        "HasBoundary",
        {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/${PermissionsBoundary}"},
        {"Ref": "AWS::NoValue"},
    ]
}
PATH = {"Fn::If": ["HasRolePath", {"Ref": "RolePath"}, {"Ref": "AWS::NoValue"}]}


def iam_resources(kind: str) -> dict[str, dict[str, Any]]:
    """Of every template, those that SAM makes too: logical id -> properties."""
    paths = [ROOT / "template.yaml", *(ROOT / "operations").glob("*.yaml"), *(ROOT / "accounts").glob("*.yaml")]
    return {
        name: resource["Properties"]
        for path in paths
        for name, resource in as_deployed(load_template(path))["Resources"].items()
        if resource["Type"] == f"AWS::IAM::{kind}"
    }


def test_every_role_has_the_boundary_and_the_path_that_an_organization_demands() -> None:
    roles = iam_resources("Role")
    assert len(roles) > 40
    assert [name for name, each in roles.items() if each.get("PermissionsBoundary") != BOUNDARY] == []
    # Source: EKS user guide, "Amazon EKS Pod execution IAM role": it can have no path.
    assert [name for name, each in roles.items() if each.get("Path") != PATH] == ["FargatePodsRole"]


def test_every_policy_has_the_path_too() -> None:
    policies = iam_resources("ManagedPolicy")
    assert len(policies) > 10
    assert [name for name, each in policies.items() if each.get("Path") != PATH] == []


def test_what_has_a_name_in_a_target_account_has_it_within_the_prefix() -> None:
    resources = load_template(ROOT / "accounts" / "target.yaml")["Resources"].values()
    names = [
        each["Properties"][name]
        for each in resources
        for name in ("RoleName", "ManagedPolicyName")
        if name in each["Properties"]
    ]
    assert len(names) == len(resources)
    assert [each for each in names if not each["Fn::Sub"].startswith("${RolePrefix}-")] == []


def test_the_target_accounts_get_the_parameters_of_the_stack() -> None:
    parameters = load_template(ROOT / "accounts" / "target.yaml")["Parameters"].keys()
    assert RESOURCES["TargetAccount"]["Properties"]["Parameters"].keys() == parameters
    given = RESOURCES["TargetAccounts"]["Properties"]["Parameters"]
    assert {each["ParameterKey"] for each in given} == parameters
