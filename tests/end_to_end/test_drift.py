"""Change one thing behind the program's back, and re-verification tells exactly that, once, with its fix."""

import json
from typing import Any

import pytest

from local.aws.eks_rules import DEFAULT_VERSION
from local.cloud import EmbeddedCloud
from local.faults.drift import CHANGES, Change
from provisioner.inspection.documentation import SECTIONS, kinds_of
from tests.end_to_end.conftest import KINDS
from tests.end_to_end.drifting import Proven, Watched, batches, of_names, told_apart
from tests.end_to_end.resources import READING, mutating
from tests.end_to_end.runs import Machine
from tests.end_to_end.test_provision import published, validate

KEY = "arn:aws:kms:ap-northeast-1:123456789012:key/11111111-0000-4000-8000-000000000000"
INSPECTOR = "eks-efs-provisioner-inspector"
PERSON = "arn:aws:iam::123456789012:role/people"
QUICK = {"writers": 1, "lines_per_writer": 1, "timeout_seconds": 60}
REQUEST = {
    "cluster": {
        "name": "drifting",
        "version": DEFAULT_VERSION,
        "admin_principal_arns": [PERSON],
        "secrets_key_arn": KEY,
    },
    "file_system": {"kms_key_arn": KEY},
    "storage": {"namespace": "orders", "access_point": {"uid": 1000, "gid": 1000, "path": "/orders"}},
    "verification": QUICK,
}
"""Leaves nothing to AWS of what can drift."""

BOOKKEEPING = {"sts:AssumeRole", "logs:CreateLogStream", "lambda:Invoke", "stepfunctions:StartExecution"} | {
    "dynamodb:UpdateItem",
    "events:PutEvents",
}
"""What every re-verification does besides looking."""

embedded_only = pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")


def on(kind: str) -> list[Change]:
    """What is worth being changed on this kind of Kubernetes: everything, or what the real one has a say in."""
    return [each for each in CHANGES.values() if each.of_kubernetes or kind == "embedded"]


def each_of(*, repairable: bool) -> pytest.MarkDecorator:
    """Changes that are made and undone one after the other."""
    cases = [
        pytest.param(kind, change.name, id=f"{kind}-{change.name}")
        for kind in KINDS
        for change in on(kind)
        if change.kind.repairable == repairable and not change.is_final and not change.in_existing_network
    ]
    return pytest.mark.parametrize(("cloud", "name"), cases, indirect=["cloud"], scope="session")


def repaired_together() -> pytest.MarkDecorator:
    cases = [
        pytest.param(kind, names, id=f"{kind}-{'+'.join(names)}")
        for kind in KINDS
        for names in batches(change for change in on(kind) if change.kind.repairable)
    ]
    return pytest.mark.parametrize(("cloud", "names"), cases, indirect=["cloud"], scope="session")


@pytest.fixture(scope="module")
def proven(machine: Machine, reverify: Machine) -> Proven:
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    machine.cloud.client("iam").create_role(RoleName=PERSON.rpartition("/")[2], AssumeRolePolicyDocument=trust)
    return Proven.of(machine, reverify, REQUEST)


@pytest.fixture(scope="module")
def neighbour(machine: Machine, reverify: Machine, proven: Proven) -> Proven:
    """In the network of the first, which it was told to leave as it is."""
    network = proven.scene.payload["network"]
    subnets = [subnet["subnet_id"] for subnet in network["private_subnets"]]
    given = {"vpc_id": network["vpc_id"], "private_subnet_ids": subnets}
    return Proven.of(machine, reverify, {"cluster": {"name": "neighbour"}, "network": given, "verification": QUICK})


def test_for_every_kind_of_difference_there_is_a_change() -> None:
    made = {change.kind for change in CHANGES.values()}
    kinds = [kind for module in SECTIONS.values() for kind in kinds_of(module)]
    assert len(kinds) >= 30
    assert [kind for kind in kinds if kind not in made] == []


def test_an_unchanged_cluster_has_not_drifted(proven: Proven) -> None:
    run = proven.look(remediate=True)
    assert (run.output["status"], run.output["drift"], run.output["repaired"]) == ("Verified", [], [])
    assert not run.entered("Remediate drift")


@each_of(repairable=True)
def test_a_change_is_told_once_with_its_fix_and_nothing_else(name: str, proven: Proven, cloud: EmbeddedCloud) -> None:
    with proven.changed(CHANGES[name]) as names:
        run = proven.look()
    assert run.output["status"] == "Drifted"
    assert told_apart([CHANGES[name]], names, run.output["drift"]) == {name: 1}
    (event,) = published(cloud, "Storage Cluster Drifted", run.arn)
    validate("storage-cluster-drifted.schema.json", event)
    assert (event["drift"], event["repaired"], event["refused"]) == (run.output["drift"], [], [])


@each_of(repairable=False)
def test_a_change_for_people_is_told_once_and_refused_with_its_fix_and_nothing_is_touched(
    name: str, proven: Proven, cloud: EmbeddedCloud
) -> None:
    with proven.changed(CHANGES[name]) as names:
        seen = len(cloud.server.calls)
        run = proven.look(remediate=True)
        calls = mutating(cloud.server.calls[seen:])
    assert told_apart([CHANGES[name]], names, run.output["drift"]) == {name: 1}
    (event,) = published(cloud, "Storage Cluster Drifted", run.arn)
    validate("storage-cluster-drifted.schema.json", event)
    assert (event["refused"], event["repaired"], event["remediation"]) == (event["drift"], [], None)
    assert not run.entered("Remediate drift")
    assert calls.keys() <= BOOKKEEPING


@pytest.mark.timeout(180)
@repaired_together()
def test_what_can_be_repaired_is_repaired_and_then_everything_is_as_asked_for(
    names: tuple[str, ...], proven: Proven
) -> None:
    changes, known = of_names(names), proven.names
    for change in changes:
        change.make(proven.scene)
    check = proven.start(remediate=True)
    proven.reverify.until_entered(check, "Remediate drift")
    for settle in filter(None, (change.settle for change in changes)):
        settle(proven.scene)
    run = proven.ended(check)
    assert told_apart(changes, known, run.output["repaired"]) == dict.fromkeys(names, 1)
    assert (run.output["status"], run.output["drift"], run.output["refused"]) == ("Verified", [], [])
    assert proven.look().output["drift"] == []


@embedded_only
@pytest.mark.parametrize("name", [change.name for change in CHANGES.values() if change.in_existing_network])
def test_the_network_of_another_team_is_told_of_and_left_as_it_is(name: str, neighbour: Proven) -> None:
    assert neighbour.look().output["drift"] == []
    with neighbour.changed(CHANGES[name]) as names:
        run = neighbour.look(remediate=True)
    assert told_apart([CHANGES[name]], names, run.output["refused"]) == {name: 1}
    assert not run.entered("Remediate drift")


def test_a_plan_for_a_drifted_cluster_says_what_would_change_and_what_only_a_person_can(
    machine: Machine, proven: Proven, cloud: EmbeddedCloud
) -> None:
    with proven.changed(CHANGES["claim-gone"]), proven.changed(CHANGES["storage-class-for-disks"]):
        seen = len(cloud.server.calls)
        planned = machine.run({**REQUEST, "mode": "plan"})
        calls = mutating(cloud.server.calls[seen:])
    assert planned.output["summary"] == "1 to create, 0 to change, 1 that only a person can change"
    assert [(each["resource"], each["action"]) for each in planned.output["changes"]] == [
        ("StorageClass efs-sc", "replace_by_hand"),
        ("PersistentVolumeClaim efs-claim", "create"),
    ]
    assert calls.keys() <= BOOKKEEPING - {"dynamodb:UpdateItem", "events:PutEvents"}


def test_the_inspectors_session_only_looks(machine: Machine, proven: Proven, cloud: EmbeddedCloud) -> None:
    watched = Watched(cloud)
    disarm = cloud.server.hooks.before("*", watched.note)
    try:
        proven.look()
        machine.run({**REQUEST, "mode": "plan"})
    finally:
        disarm()
    calls = watched.of_role(INSPECTOR)
    assert {"efs:DescribeMountTargets", "eks:DescribeCluster", "ec2:DescribeVpcAttribute"} <= set(calls)
    assert mutating(calls) == {}


def test_the_inspectors_role_holds_no_write_action(proven: Proven, cloud: EmbeddedCloud) -> None:
    iam, eks = cloud.client("iam"), cloud.client("eks")
    names = iam.list_role_policies(RoleName=INSPECTOR)["PolicyNames"]
    documents = [iam.get_role_policy(RoleName=INSPECTOR, PolicyName=name)["PolicyDocument"] for name in names]
    actions = [action for document in documents for action in actions_of(document)]
    assert actions
    assert [action for action in actions if not action.split(":")[1].startswith(READING)] == []
    assert iam.list_attached_role_policies(RoleName=INSPECTOR)["AttachedPolicies"] == []
    associated = eks.list_associated_access_policies(
        clusterName=proven.scene.cluster_name, principalArn=proven.names["inspector"]
    )["associatedAccessPolicies"]
    assert [policy["policyArn"].rpartition("/")[2] for policy in associated] == ["AmazonEKSAdminViewPolicy"]


def actions_of(document: dict[str, Any]) -> list[str]:
    actions = [statement["Action"] for statement in document["Statement"]]
    return [each for action in actions for each in (action if isinstance(action, list) else [action])]
