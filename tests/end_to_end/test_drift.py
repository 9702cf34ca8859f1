"""Change one thing behind the program's back, and re-verification tells exactly that, once, with its fix."""

import json
from typing import Any

import pytest

from local import vpcs
from local.aws.eks_rules import DEFAULT_VERSION
from local.aws.iam import find_role
from local.cloud import EmbeddedCloud
from local.faults.drift import CHANGES
from local.faults.lenders import lent
from tests.end_to_end.drifting import KINDS, Proven, Watched, batches, is_told, of_names, told_apart
from tests.end_to_end.resources import READING, mutating
from tests.end_to_end.runs import Machine
from tests.end_to_end.test_provision import published, validate

INSPECTOR = "eks-efs-provisioner-inspector"
PERSON = "arn:aws:iam::123456789012:role/people"
QUICK = {"writers": 1, "lines_per_writer": 1, "timeout_seconds": 300}
BOOKKEEPING = {"sts:AssumeRole", "logs:CreateLogStream", "lambda:Invoke", "stepfunctions:StartExecution"} | {
    "dynamodb:UpdateItem",
    "events:PutEvents",
    "sns:Publish",
}
"""What every re-verification does besides looking, and what tells people of it."""

embedded_only = pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")


def one_by_one(*, of_kubernetes: bool, repairable: bool) -> pytest.MarkDecorator:
    """Changes that are made and undone one after the other; without those that are repaired alone."""
    alone = [names[0] for names in repaired(of_kubernetes=of_kubernetes) if len(names) == 1]
    names = [
        change.name
        for change in CHANGES.values()
        if (change.of_kubernetes, KINDS[change.kind].repairable) == (of_kubernetes, repairable)
        and change.name not in alone
        and change.is_everywhere
        and not change.by_pods
    ]
    return pytest.mark.parametrize("name", names)


def repaired(*, of_kubernetes: bool) -> list[tuple[str, ...]]:
    everywhere = [change for change in CHANGES.values() if change.is_everywhere and KINDS[change.kind].repairable]
    return batches([change for change in everywhere if change.of_kubernetes == of_kubernetes])


def together(*, of_kubernetes: bool) -> pytest.MarkDecorator:
    """What can be repaired, as much as can be at once."""
    made = repaired(of_kubernetes=of_kubernetes)
    return pytest.mark.parametrize("names", made, ids=[f"{names[0]}-and-{len(names) - 1}-more" for names in made])


@pytest.fixture(scope="module")
def asked(machine: Machine) -> dict[str, Any]:
    """A request that leaves nothing to AWS of what can drift; of its addresses somebody else can take all."""
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    machine.cloud.client("iam").create_role(RoleName=PERSON.rpartition("/")[2], AssumeRolePolicyDocument=trust)
    key = machine.cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    return {
        "cluster": {
            "name": "drifting",
            "version": DEFAULT_VERSION,
            "upgrade_policy": "STANDARD",
            "service_ipv4_cidr": "172.30.0.0/16",
            "admin_principal_arns": [PERSON],
            "secrets_key_arn": key,
            "deletion_protection": False,
        },
        "network": {"cidr": "10.20.0.0/24", "availability_zones": ["apne1-az1", "apne1-az2", "apne1-az4"]},
        "file_system": {"kms_key_arn": key},
        "storage": {"namespace": "orders", "access_point": {"uid": 1000, "gid": 1000, "path": "/orders"}},
        "verification": QUICK,
        "tags": {"cost-center": "4711"},
    }


@pytest.fixture(scope="module")
def proven(machine: Machine, reverify: Machine, asked: dict[str, Any]) -> Proven:
    return Proven.of(machine, reverify, asked)


@pytest.fixture(scope="module")
def neighbour(machine: Machine, reverify: Machine, proven: Proven) -> Proven:
    """In the network of the first, which it was told to leave as it is."""
    network = proven.scene.payload["network"]
    subnets = [subnet["subnet_id"] for subnet in network["private_subnets"]]
    given = {"vpc_id": network["vpc_id"], "private_subnet_ids": subnets}
    return Proven.of(machine, reverify, {"cluster": {"name": "neighbour"}, "network": given, "verification": QUICK})


def test_for_every_kind_of_difference_there_is_a_change() -> None:
    assert len(KINDS) >= 30
    assert {change.kind for change in CHANGES.values()} == KINDS.keys()


def test_an_unchanged_cluster_has_not_drifted(proven: Proven) -> None:
    run = proven.look(remediate=True)
    assert (run.output["status"], run.output["drift"], run.output["repaired"]) == ("Verified", [], [])
    assert not run.entered("Remediate drift")


def assert_told(proven: Proven, name: str) -> None:
    with proven.changed(CHANGES[name]) as names:
        run = proven.look()
    assert run.output["status"] == "Drifted"
    assert told_apart([CHANGES[name]], names, run.output["drift"]) == {name: 1}
    (event,) = published(proven.scene.cloud, "Storage Cluster Drifted", run.arn)
    validate("storage-cluster-drifted.schema.json", event)
    assert (event["drift"], event["repaired"], event["refused"]) == (run.output["drift"], [], [])


def assert_refused(proven: Proven, name: str) -> None:
    calls = proven.scene.cloud.server.calls
    with proven.changed(CHANGES[name]) as names:
        seen = len(calls)
        run = proven.look(remediate=True)
        made = mutating(calls[seen:])
    assert told_apart([CHANGES[name]], names, run.output["drift"]) == {name: 1}
    (event,) = published(proven.scene.cloud, "Storage Cluster Drifted", run.arn)
    validate("storage-cluster-drifted.schema.json", event)
    assert (event["refused"], event["repaired"], event["remediation"]) == (event["drift"], [], None)
    assert not run.entered("Remediate drift")
    assert made.keys() <= BOOKKEEPING


def assert_repaired(proven: Proven, names: tuple[str, ...]) -> None:
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
@one_by_one(of_kubernetes=False, repairable=True)
def test_a_change_in_aws_is_told_once_with_its_fix_and_nothing_else(name: str, proven: Proven) -> None:
    assert_told(proven, name)


@one_by_one(of_kubernetes=True, repairable=True)
def test_a_change_in_the_cluster_is_told_once_with_its_fix_and_nothing_else(name: str, proven: Proven) -> None:
    assert_told(proven, name)


@embedded_only
@one_by_one(of_kubernetes=False, repairable=False)
def test_what_only_a_person_can_change_in_aws_is_told_once_and_not_touched(name: str, proven: Proven) -> None:
    assert_refused(proven, name)


@one_by_one(of_kubernetes=True, repairable=False)
def test_what_only_a_person_can_change_in_the_cluster_is_told_once_and_not_touched(name: str, proven: Proven) -> None:
    assert_refused(proven, name)


@embedded_only
@together(of_kubernetes=False)
def test_what_a_run_can_repair_in_aws_is_repaired_and_then_all_is_as_asked_for(
    names: tuple[str, ...], proven: Proven
) -> None:
    assert_repaired(proven, names)


@together(of_kubernetes=True)
def test_what_a_run_can_repair_in_the_cluster_is_repaired_and_then_all_is_as_asked_for(
    names: tuple[str, ...], proven: Proven
) -> None:
    assert_repaired(proven, names)


@embedded_only
@pytest.mark.parametrize("name", [change.name for change in CHANGES.values() if change.in_existing_network])
def test_the_network_of_another_team_is_told_of_and_left_as_it_is(name: str, neighbour: Proven) -> None:
    assert neighbour.look().output["drift"] == []
    with neighbour.changed(CHANGES[name]) as names:
        run = neighbour.look(remediate=True)
    assert told_apart([CHANGES[name]], names, run.output["refused"]) == {name: 1}
    assert not run.entered("Remediate drift")


@pytest.fixture(scope="module")
def afar(machine: Machine, reverify: Machine) -> Proven:
    """Its file system is in a peered network."""
    parts = vpcs.peered(machine.cloud)
    return Proven.of(machine, reverify, {"cluster": {"name": "afar"}, "verification": QUICK, **parts})


@embedded_only
@pytest.mark.parametrize("name", [change.name for change in CHANGES.values() if change.in_peered_network])
def test_what_is_between_two_networks_is_told_of_and_left_as_it_is(name: str, afar: Proven) -> None:
    assert_refused(afar, name)


@embedded_only
def test_the_group_in_a_peered_network_is_told_of_as_any_other(afar: Proven) -> None:
    assert_told(afar, "port-closed")


@pytest.fixture(scope="module")
def borrowing(machine: Machine, reverify: Machine) -> Proven:
    """Its file system is another account's."""
    parts = lent(machine.cloud)
    return Proven.of(machine, reverify, {"cluster": {"name": "borrowing"}, "verification": QUICK, **parts})


WAYS = ("peering-deleted", "peer-route-deleted", "peer-route-back-deleted", "peer-address-gone")


@embedded_only
@pytest.mark.parametrize("name", [*WAYS, *(change.name for change in CHANGES.values() if change.of_a_lender)])
def test_what_a_lender_or_the_way_to_it_no_longer_has_is_told_of_and_left_as_it_is(
    name: str, borrowing: Proven
) -> None:
    assert_refused(borrowing, name)


@embedded_only
@pytest.mark.parametrize("name", [change.name for change in CHANGES.values() if change.by_pods])
def test_what_pods_find_slower_than_before_is_told_with_what_explains_it_and_is_no_drift(
    name: str, proven: Proven
) -> None:
    calls = proven.scene.cloud.server.calls
    with proven.changed(CHANGES[name]) as names:
        seen = len(calls)
        run = proven.ended(proven.start(remediate=True, depth="behaviour"))
        asked = calls[seen:]
        recorded = json.loads(proven.record["measured"]["S"])
    assert (run.output["status"], run.output["drift"], run.output["repaired"]) == ("Verified", [], [])
    assert not run.entered("Remediate drift")
    (event,) = published(proven.scene.cloud, "Storage Cluster Verified", run.arn)
    validate("storage-cluster-verified.schema.json", event)
    # The reader's zone, and the writer's: one and the same, or two.
    assert {each["path"].partition(".")[0] for each in event["slower"]} == {
        "sequential_write_mib_per_second",
        "sequential_read_mib_per_second",
    }
    assert all(is_told(CHANGES[name], names, each) for each in event["slower"])
    assert all("(PercentIOLimit 100 %)" in each["fix"] for each in event["slower"])
    assert "cloudwatch:GetMetricStatistics" in asked
    assert [each["run_id"] for each in recorded[:-1]] == ["faster-0", "faster-1", "faster-2"]
    assert recorded[-1]["run_id"] == event["behaviour"]["evidence"]["run_id"]


def test_a_plan_for_a_drifted_cluster_says_what_would_change_and_what_only_a_person_can(
    machine: Machine, proven: Proven, asked: dict[str, Any], cloud: EmbeddedCloud
) -> None:
    with proven.changed(CHANGES["claim-gone"]), proven.changed(CHANGES["storage-class-for-disks"]):
        seen = len(cloud.server.calls)
        planned = machine.run({**asked, "mode": "plan"})
        calls = mutating(cloud.server.calls[seen:])
    assert planned.output["summary"] == "1 to create, 0 to change, 1 that only a person can change"
    assert [(each["resource"], each["action"]) for each in planned.output["changes"]] == [
        ("StorageClass efs-sc", "replace_by_hand"),
        ("PersistentVolumeClaim efs-claim", "create"),
    ]
    assert calls.keys() <= BOOKKEEPING - {"dynamodb:UpdateItem", "events:PutEvents"}


def test_the_inspectors_session_only_looks(
    machine: Machine, proven: Proven, asked: dict[str, Any], cloud: EmbeddedCloud
) -> None:
    watched = Watched(cloud)
    disarm = cloud.server.hooks.before("*", watched.note)
    try:
        proven.look()
        machine.run({**asked, "mode": "plan"})
    finally:
        disarm()
    calls = watched.of_role(INSPECTOR)
    assert {"efs:DescribeMountTargets", "eks:DescribeCluster", "ec2:DescribeVpcAttribute"} <= set(calls)
    assert mutating(calls) == {}


def test_the_inspectors_role_holds_no_write_action(proven: Proven, cloud: EmbeddedCloud) -> None:
    role = find_role(proven.names["inspector"])
    assert role is not None
    actions = [action for document in role.policies.values() for action in actions_of(document)]
    assert actions
    assert [action for action in actions if not action.split(":")[1].startswith(READING)] == []
    assert cloud.client("iam").list_attached_role_policies(RoleName=INSPECTOR)["AttachedPolicies"] == []
    associated = cloud.client("eks").list_associated_access_policies(
        clusterName=proven.scene.cluster_name, principalArn=proven.names["inspector"]
    )["associatedAccessPolicies"]
    assert [policy["policyArn"].rpartition("/")[2] for policy in associated] == ["AmazonEKSAdminViewPolicy"]


def actions_of(document: Any) -> list[str]:
    document = json.loads(document) if isinstance(document, str) else document
    actions = [statement["Action"] for statement in document["Statement"]]
    return [each for action in actions for each in (action if isinstance(action, list) else [action])]
