"""Differences between an account and what we think of it, each with what it refutes."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from moto.cloudwatch.models import cloudwatch_backends
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend
from moto.events.models import EventPattern

from first_contact.checks.absences import NOBODY
from local.aws import efs, eks_access, eks_addons, eks_versions, policy_validation, quotas
from local.aws.hooks import Call
from local.aws.patches import jsonata, stepfunctions, stepfunctions_definition
from local.aws.patches.stepfunctions_definition import Diagnostic
from local.aws.permissions import identity
from local.aws.refusals import refusal
from local.cloud import STACK_NAME, EmbeddedCloud

PREFIX = "eks-efs-provisioner"


@dataclass(frozen=True)
class Site:
    """Where something is planted; what is to be undone is undone when the test ends."""

    cloud: EmbeddedCloud
    outputs: dict[str, str]
    patch: pytest.MonkeyPatch
    undo: list[Callable[[], Any]]

    def client(self, service: str) -> Any:
        return self.cloud.client(service)

    def refuse(self, call: str, code: str, *, when: str = "") -> None:
        """From now on that call is refused, if its request has that text."""

        def before(made: Call) -> None:
            if when in made.body + made.path:
                raise refusal(code, "planted")

        self.undo.append(self.cloud.server.hooks.before(call, before))

    def physical(self, logical: str) -> str:
        pages = self.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=STACK_NAME)
        found = {each["LogicalResourceId"]: each for page in pages for each in page["StackResourceSummaries"]}
        return str(found[logical]["PhysicalResourceId"])


Plant = Callable[[Site], None]


def without_action(role: str, action: str) -> Plant:
    """The role's policies allow something else instead."""

    def plant(site: Site) -> None:
        name = role if role.startswith(PREFIX) else site.physical(role)
        policies = identity.find(f"arn:aws:iam::{site.cloud.account_id}:role/{name}").policies  # type: ignore[union-attr]
        texts = {policy: json.dumps(document, default=str) for policy, document in policies.items()}
        having = [policy for policy, text in texts.items() if f'"{action}"' in text]
        assert having
        for policy in having:
            changed = texts[policy].replace(f'"{action}"', '"ssm:GetServiceSetting"')
            site.patch.setitem(policies, policy, changed)

    return plant


def denied(site: Site) -> None:
    iam, name = site.client("iam"), f"{PREFIX}-inspector"
    statement = {"Effect": "Deny", "Action": "elasticfilesystem:DescribeFileSystems", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=name, PolicyName="planted", PolicyDocument=document)
    site.undo.append(lambda: iam.delete_role_policy(RoleName=name, PolicyName="planted"))


def limited(quota: quotas.Quota, value: float) -> Plant:
    return lambda site: site.patch.setitem(quotas.APPLIED, (site.cloud.account_id, site.cloud.region, quota), value)


def patched(module: Any, name: str, value: Any) -> Plant:
    return lambda site: site.patch.setattr(module, name, value)


def undated(describe: Callable[[str], dict[str, Any]]) -> Callable[[str], dict[str, Any]]:
    return lambda version: {name: value for name, value in describe(version).items() if not name.startswith("endOf")}


def refused(call: str, code: str, when: str = "") -> Plant:
    return lambda site: site.refuse(call, code, when=when)


def no_alternatives(site: Site) -> None:
    """Patterns know no $or."""
    matches = EventPattern.matches_event

    def without_or(self: EventPattern, event: Any) -> bool:
        return "$or" not in json.dumps(self.get_pattern()) and matches(self, event)

    site.patch.setattr(EventPattern, "matches_event", without_or)


def no_arguments_for_readers(site: Site) -> None:
    known = stepfunctions_definition._state

    def state(state: dict[str, Any], location: str, language: str) -> Any:
        yield from known(state, location, language)
        if "Arguments" in state.get("ItemReader", {}):
            yield Diagnostic("SCHEMA_VALIDATION_FAILED", "The field 'Arguments' is not supported", location)

    site.patch.setattr(stepfunctions_definition, "_state", state)


def no_parse(site: Site) -> None:
    """JSONata has no $parse."""

    def parse(_text: str) -> Any:
        raise ValueError("planted")

    site.patch.setitem(jsonata.FUNCTIONS, "parse", parse)
    jsonata._parsed.cache_clear()
    site.undo.append(jsonata._parsed.cache_clear)


def two_zones(site: Site) -> None:
    zones = RegionsAndZonesBackend.zones[site.cloud.region]
    site.patch.setitem(RegionsAndZonesBackend.zones, site.cloud.region, zones[:2])


def another_runtime(site: Site) -> None:
    functions, name = site.client("lambda"), site.physical("EnsureClusterFunction")
    functions.update_function_configuration(FunctionName=name, Runtime="python3.12")
    site.undo.append(lambda: functions.update_function_configuration(FunctionName=name, Runtime="python3.13"))


def another_machine(site: Site) -> None:
    machines, arn = site.client("stepfunctions"), site.outputs["ReverifyStateMachineArn"]
    ours = machines.describe_state_machine(stateMachineArn=arn)["definition"]
    theirs = json.dumps({**json.loads(ours), "TimeoutSeconds": 1})
    machines.update_state_machine(stateMachineArn=arn, definition=theirs)
    site.undo.append(lambda: machines.update_state_machine(stateMachineArn=arn, definition=ours))


def trust(role: str, change: Callable[[dict[str, Any]], Any]) -> Plant:
    def plant(site: Site) -> None:
        iam, name = site.client("iam"), f"{PREFIX}-{role}"
        document = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
        changed = json.loads(json.dumps(document))
        change(changed["Statement"][0])
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(changed))
        site.undo.append(lambda: iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(document)))

    return plant


def nobody(statement: dict[str, Any]) -> None:
    statement["Principal"] = {"AWS": "arn:aws:iam::999999999999:root"}


def rule_off(site: Site) -> None:
    events, name = site.client("events"), site.physical("ProvisionStateMachineOrganizationsAccount")
    events.disable_rule(Name=name)
    site.undo.append(lambda: events.enable_rule(Name=name))


def schedule_off(site: Site) -> None:
    scheduler = site.client("scheduler")
    known = scheduler.get_schedule(Name="configuration", GroupName=STACK_NAME)
    names = ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")
    kept = {name: known[name] for name in names}
    scheduler.update_schedule(**kept, State="DISABLED")
    site.undo.append(lambda: scheduler.update_schedule(**kept, State="ENABLED"))


def undelivered(site: Site) -> None:
    sqs, url = site.client("sqs"), site.outputs["NewAccountDeadLettersUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="planted")

    def taken() -> None:
        (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    site.undo.append(taken)


def alarm_gone(site: Site) -> None:
    alarms = cloudwatch_backends[site.cloud.account_id][site.cloud.region].alarms
    name = next(name for name in alarms if "overdue" in name)
    site.patch.delitem(alarms, name)


def unknown_action(site: Site) -> None:
    known = policy_validation._exists
    site.patch.setattr(
        policy_validation, "_exists", lambda name: name != "organizations:ListAccountsForParent" and known(name)
    )


PLANTED: dict[str, tuple[Plant, set[str]]] = {
    "a permission is missing": (
        without_action(f"{PREFIX}-inspector", "eks:DescribeCluster"),
        {"rights/InspectorRole/eks:DescribeCluster"},
    ),
    "a permission is denied": (denied, {"rights/InspectorRole/elasticfilesystem:DescribeFileSystems"}),
    "a function's permission is missing": (
        without_action("ClaimClusterRole", "dynamodb:UpdateItem"),
        {"rights/ClaimClusterRole/dynamodb:UpdateItem"},
    ),
    "the quota of clusters is used up": (limited(quotas.CLUSTERS, 0), {"quotas/clusters"}),
    "the quota of VPCs is used up": (limited(quotas.VPCS, 1), {"quotas/vpcs"}),
    "a cluster takes 30 CIDRs": (limited(quotas.ENDPOINT_CIDRS, 30), {"quotas/public-access-cidrs"}),
    "patterns know no $or": (
        no_alternatives,
        {"rules/ControlTowerAccount", "rules/management.ControlTowerAccount"},
    ),
    "a machine is refused": (no_arguments_for_readers, {"machines/fleet"}),
    "a template is refused": (
        refused("cloudformation:ValidateTemplate", "ValidationError", "EventSchemas%3A%3ARegistry"),
        {"templates/operations/event-schemas.yaml"},
    ),
    "a state's expression fails": (
        no_parse,
        {
            "states/fleet/Cluster not checked",
            "states/fleet/Cluster was checked",
            "states/provision/Describe failure",
            "states/provision/Describe failure #2",
            "states/reverify/Describe failure",
        },
    ),
    "States.ALL catches everything": (
        patched(stepfunctions, "UNCATCHABLE", ()),
        {"catch-all/States.DataLimitExceeded", "catch-all/States.Runtime"},
    ),
    "a stack's absence has a code of its own": (
        refused("cloudformation:DescribeStacks", "OptInRequired", NOBODY),
        {"absences/stack"},
    ),
    "a role's absence is told": (refused("sts:AssumeRole", "RegionDisabledException", NOBODY), {"absences/role"}),
    "a VPC's absence has another code": (
        refused("ec2:DescribeVpcAttribute", "OptInRequired", "vpc-0123456789abcdef0"),
        {"absences/vpc"},
    ),
    "a mount target's absence has another code": (
        refused("efs:DescribeMountTargetSecurityGroups", "BadRequest"),
        {"absences/mount-target"},
    ),
    "EKS does not offer 1.37": (
        lambda site: (
            site.patch.setattr(eks_versions, "OFFERED_VERSIONS", ("1.35", "1.36")),
            site.patch.setattr(eks_versions, "DEFAULT_VERSION", "1.36"),
        )[0],
        {"kubernetes-versions/1.37"},
    ),
    "EKS has no default version": (patched(eks_versions, "DEFAULT_VERSION", None), {"kubernetes-versions/default"}),
    "EKS does not tell until when it supports a version": (
        lambda site: site.patch.setattr(eks_versions, "describe", undated(eks_versions.describe)),
        {"kubernetes-versions/support"},
    ),
    "the add-on knows no computeType": (
        lambda site: site.patch.delitem(eks_addons.COREDNS_OPTIONS, "computeType"),
        {"coredns-addon"},
    ),
    "an access policy is missing": (
        patched(eks_access, "ACCESS_POLICIES", ("AmazonEKSClusterAdminPolicy",)),
        {"access-policies/AmazonEKSAdminViewPolicy"},
    ),
    "the region has two zones": (two_zones, {"zones"}),
    "the account has not opted in": (refused("ec2:AllocateAddress", "OptInRequired"), {"dry-runs/AllocateAddress"}),
    "EFS gives short ids": (patched(efs, "ID_DIGITS", 8), {"file-system-ids"}),
    "a function has another runtime": (another_runtime, {"functions/EnsureClusterFunction"}),
    "a machine was changed": (another_machine, {"deployed-machines/reverify"}),
    "a role asks for no ExternalId": (
        trust("inspector", lambda statement: statement.pop("Condition")),
        {"roles/without-external-id"},
    ),
    "a role lets nobody in": (trust("provisioner", nobody), {"roles/provisioner"}),
    "a rule is off": (rule_off, {"targets/ProvisionStateMachineOrganizationsAccount"}),
    "a schedule is off": (schedule_off, {"schedules/configuration"}),
    "an event was not delivered": (undelivered, {"schedules/NewAccountDeadLettersUrl"}),
    "an alarm is gone": (alarm_gone, {"alarms/Alarms.CheckOverdue"}),
    "an action does not exist": (
        unknown_action,
        {"policies/template.FindNewAccountsRole.work", "policies/template.FindOrphansRole.work"},
    ),
}
