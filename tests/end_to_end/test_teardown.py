"""The end of a cluster: everything goes that was made for it, nothing else, and no data that nobody gave up."""

from concurrent.futures import Future
from threading import Lock
from typing import Any

import pytest

from local.account_snapshot import difference, snapshot
from local.aws.hooks import Call
from local.aws.refusals import refusal
from local.cloud import STACK_NAME, EmbeddedCloud
from local.faults.scene import Scene
from provisioner.request import CreatedNetwork
from tests.end_to_end.runs import Machine, Run, held, until
from tests.end_to_end.test_provision import published, record_of, validate
from tests.unit.resources.networks import SomebodysVpc, make_with_nat
from tests.unit.resources.samples import request_for

SHORT = {"verification": {"writers": 1, "lines_per_writer": 1, "timeout_seconds": 300}}
ACCESS_POINT = {"storage": {"access_point": {"uid": 1000, "gid": 1000, "path": "/app"}}}
ROLES, POLICY = ("inspector", "remover"), "AmazonEKSClusterAdminPolicy"
STRIKES = (
    ("lambda:Invoke", "-ValidateRemovalFunction-", 1),
    ("lambda:Invoke", "-ClaimClusterFunction-", 1),
    ("lambda:Invoke", "-CheckRemovalFunction-", 1),
    ("dynamodb:UpdateItem", "check_status, check_failure, removal_failure", 1),
    ("lambda:Invoke", "-RemoveStorageFunction-", 1),
    ("lambda:Invoke", "-RemoveClusterFunction-", 2),
    ("lambda:Invoke", "-RemoveClusterFunction-", 1),
    ("lambda:Invoke", "-RemoveFileSystemFunction-", 1),
    ("lambda:Invoke", "-RemoveNetworkFunction-", 2),
    ("lambda:Invoke", "-RemoveNetworkFunction-", 1),
    ("lambda:Invoke", "-ReportRemovalFunction-", 1),
    ("events:PutEvents", "Storage Cluster Removed", 1),
    ("dynamodb:UpdateItem", "removed_at = :now", 1),
)
"""The call of every state, by what is in it and how often it has come: what is stopped at the second has waited. Each
is made whatever the removals before have left."""

embedded_only = pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")


@pytest.fixture(scope="module")
def teardown(machine: Machine) -> Machine:
    return Machine(machine.cloud, machine.outputs, "Teardown")


def provisioned(machine: Machine, name: str, **parts: Any) -> str:
    """The id of its file system."""
    run = machine.run({"cluster": {"name": name}, **SHORT, **parts})
    assert run.status == "SUCCEEDED", run.cause
    file_system_id: str = run.output["file_system"]["id"]
    return file_system_id


def removed(run: Run, cloud: EmbeddedCloud) -> dict[str, Any]:
    assert run.status == "SUCCEEDED", run.cause
    (event,) = published(cloud, "Storage Cluster Removed", run.arn)
    validate("storage-cluster-removed.schema.json", event)
    assert {"status": "Removed", **event} == run.output
    return event


def with_data(name: str, file_system_id: str) -> dict[str, Any]:
    return {"cluster_name": name, "delete_data": {"file_system_id": file_system_id}, "delete_logs": True}


def of_made(_: EmbeddedCloud) -> dict[str, Any]:
    return {}


def of_somebodys(cloud: EmbeddedCloud) -> dict[str, Any]:
    return {"network": SomebodysVpc.made(cloud.client("ec2")).asked}


def with_key(cloud: EmbeddedCloud) -> dict[str, Any]:
    key_arn = cloud.client("kms").create_key()["KeyMetadata"]["Arn"]
    return {"file_system": {"kms_key_arn": key_arn}, **ACCESS_POINT}


@embedded_only
@pytest.mark.parametrize(
    ("name", "parts"),
    [("td-made", of_made), ("td-theirs", of_somebodys), ("td-key", with_key)],
    ids=["a network of its own", "somebody's network", "an access point and a customer's key"],
)
def test_after_a_removal_with_its_data_the_account_is_as_it_was_before_the_first_run(
    cloud: EmbeddedCloud, machine: Machine, teardown: Machine, name: str, parts: Any
) -> None:
    asked = parts(cloud)
    before = snapshot(cloud)
    file_system_id = provisioned(machine, name, **asked)
    event = removed(teardown.run(with_data(name, file_system_id)), cloud)
    assert difference(before, snapshot(cloud)) == []
    assert event["kept_file_system"] is None
    assert {"resource": "file system", "id": file_system_id} in event["removed"]
    assert "removed_at" in record_of(cloud, machine, name)


@embedded_only
def test_a_network_of_an_earlier_version_is_used_as_it_is_and_goes_as_it_came(
    cloud: EmbeddedCloud, machine: Machine, teardown: Machine
) -> None:
    """Its NAT gateways are in its one stack, beside which no other is made."""
    before, request = snapshot(cloud), request_for(cluster={"name": "td-before"})
    stacks = cloud.client("cloudformation")
    make_with_nat(request, CreatedNetwork(), cloud.client("ec2"), stacks)
    named = {"StackName": "eks-efs-provisioner-td-before-network"}
    until(lambda: stacks.describe_stacks(**named)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE", "the network")
    resources = stacks.describe_stack_resources(**named)["StackResources"]
    file_system_id = provisioned(machine, "td-before")
    assert stacks.describe_stack_resources(**named)["StackResources"] == resources
    assert not any(
        "+ cloudformation" in each and "td-before-nat" in each for each in difference(before, snapshot(cloud))
    )
    planned = machine.run({"cluster": {"name": "td-before"}, **SHORT, "mode": "plan"})
    assert planned.output["summary"] == "no changes"
    event = removed(teardown.run(with_data("td-before", file_system_id)), cloud)
    assert [each["id"] for each in event["removed"] if each["resource"] == "network stack"] == [named["StackName"]]
    assert difference(before, snapshot(cloud)) == []


def test_without_a_word_the_data_stays_and_a_later_run_takes_it_over_and_proves_it(
    cloud: EmbeddedCloud, machine: Machine, teardown: Machine
) -> None:
    before = snapshot(cloud)
    file_system_id = provisioned(machine, "td-kept")
    (cloud.directory / "efs" / file_system_id / "orders").write_text("4711")
    event = removed(teardown.run({"cluster_name": "td-kept", "reason": "moving"}), cloud)
    assert (event["kept_file_system"]["id"], event["reason"]) == (file_system_id, "moving")
    assert file_system_id in {each["id"] for each in event["kept"]}
    fresh = provisioned(machine, "td-kept")
    assert fresh != file_system_id
    removed(teardown.run(with_data("td-kept", fresh)), cloud)
    assert provisioned(machine, "td-kept", file_system={"existing": file_system_id}) == file_system_id
    assert (cloud.directory / "efs" / file_system_id / "orders").read_text() == "4711"
    removed(teardown.run(with_data("td-kept", file_system_id)), cloud)
    assert not (cloud.directory / "efs" / file_system_id).exists()
    assert difference(before, snapshot(cloud)) == []


@embedded_only
def test_a_removal_waits_for_a_check_has_the_cluster_to_itself_and_twice_is_once(
    cloud: EmbeddedCloud, machine: Machine, teardown: Machine
) -> None:
    before, name, asked = snapshot(cloud), "td-twice", {"cluster_name": "td-twice", "delete_logs": True}
    file_system_id = provisioned(machine, name)
    reverify = Machine(cloud, machine.outputs, "Reverify")
    with held(cloud, "InspectInfrastructure") as look, held(cloud, "RemoveCluster"):
        looking = reverify.start({"cluster_name": name})
        reverify.until_entered(looking, "Inspect infrastructure")
        removing = teardown.start(asked)
        teardown.until_entered(removing, "Wait for the check")
        look.set()
        assert reverify.wait(looking).output["status"] == "Verified"
        teardown.until_entered(removing, "Remove cluster")
        run = machine.run({"cluster": {"name": name}, **SHORT})
        check, removal = (other.run({"cluster_name": name}) for other in (reverify, teardown))
    gone = teardown.wait(removing)
    assert gone.entered("Wait for the check")
    removed(gone, cloud)
    assert "removes the cluster; nothing was created" in run.cause
    assert (check.status, check.output["status"]) == ("SUCCEEDED", "Busy")
    assert (removal.status, removal.error) == ("FAILED", "Busy")
    again = teardown.run({"cluster_name": name})
    assert (again.status, again.output["status"]) == ("SUCCEEDED", "AlreadyRemoved")
    assert again.output["kept_file_system_id"] == file_system_id
    removed(teardown.run(with_data(name, file_system_id)), cloud)
    assert difference(before, snapshot(cloud)) == []


def stopped_at(name: str, telling: str, number: int, machine: Machine, asked: dict[str, Any]) -> Run:
    """Stops the execution just before that call is answered."""
    count, lock, started = [0], Lock(), Future[str]()

    def strike(call: Call) -> None:
        with lock:
            count[0] += telling in call.path + call.body
            if count[0] == number:
                machine.client.stop_execution(executionArn=started.result(60), error="Stopped", cause="by a test")

    undo = machine.cloud.server.hooks.before(name, strike)
    try:
        started.set_result(machine.start(asked))
        return machine.wait(started.result())
    finally:
        undo()


@embedded_only
def test_a_removal_stopped_in_every_state_and_started_again_converges(
    cloud: EmbeddedCloud, machine: Machine, teardown: Machine
) -> None:
    before = snapshot(cloud)
    file_system_id = provisioned(machine, "td-stopped")
    asked = with_data("td-stopped", file_system_id)
    for call, telling, number in STRIKES:
        assert stopped_at(call, telling, number, teardown, asked).status == "ABORTED", (telling, number)
    ended = teardown.run(asked)
    assert ended.status == "SUCCEEDED", ended.cause
    assert difference(before, snapshot(cloud)) == []
    assert "claimed_by" not in record_of(cloud, machine, "td-stopped")


@pytest.fixture(scope="module")
def standing(cloud: EmbeddedCloud, machine: Machine) -> Scene:
    """A cluster that no test of this file removes before its last one."""
    provisioned(machine, "td-standing")
    return Scene.recorded(cloud, machine.outputs["ClaimsTableName"], "td-standing")


@embedded_only
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"delete_data": "true"}, "delete_data is 'true'; allowed: an object with any of file_system_id"),
        ({"delete_data": {"file_system_id": "fs-0123456789abcdef0"}}, "the file system that is recorded for"),
        ({"cluster_name": "td-nobody"}, "what a record names"),
    ],
)
def test_a_wrong_request_is_refused_before_anything_is_touched(
    cloud: EmbeddedCloud, teardown: Machine, standing: Scene, given: dict[str, Any], said: str
) -> None:
    before = snapshot(cloud)
    run = teardown.run({"cluster_name": standing.cluster_name, **given})
    assert (run.status, run.error) == ("FAILED", "RequestError")
    assert said in run.cause
    (event,) = published(cloud, "Storage Cluster Failed", run.arn)
    validate("storage-cluster-failed.schema.json", event)
    assert difference(before, snapshot(cloud)) == []


@embedded_only
def test_a_plan_says_what_would_go_and_stay_and_leaves_everything(
    cloud: EmbeddedCloud, machine: Machine, teardown: Machine, standing: Scene
) -> None:
    before, record = snapshot(cloud), record_of(cloud, machine, standing.cluster_name)
    plan = teardown.run({"cluster_name": standing.cluster_name, "mode": "plan"})
    assert plan.output["summary"] == "10 to remove, 2 to keep, 0 in the way"
    assert difference(before, snapshot(cloud)) == []
    assert record_of(cloud, machine, standing.cluster_name) == record


@embedded_only
def test_what_goes_while_it_is_looked_at_is_looked_for_again(
    cloud: EmbeddedCloud, teardown: Machine, standing: Scene
) -> None:
    def gone_once(_: Call) -> None:
        undo()
        raise refusal("FileSystemNotFound", "File system 'fs-0123456789abcdef0' does not exist.")

    undo = cloud.server.hooks.before("efs:DescribeMountTargets", gone_once)
    plan = teardown.run({"cluster_name": standing.cluster_name, "mode": "plan"})
    assert plan.status == "SUCCEEDED", plan.cause
    assert [event["type"] for event in plan.history].count("TaskFailed") == 1
    assert plan.output["summary"] == "10 to remove, 2 to keep, 0 in the way"


@embedded_only
def test_beside_a_run_a_removal_is_refused(
    cloud: EmbeddedCloud, machine: Machine, teardown: Machine, standing: Scene
) -> None:
    request = {"cluster": {"name": standing.cluster_name}, **SHORT}
    refusals: list[Run] = []

    def while_it_runs(_: Call) -> None:
        undo()
        refusals.append(teardown.run({"cluster_name": standing.cluster_name}))

    undo = cloud.server.hooks.before("eks:DescribeCluster", while_it_runs)
    assert machine.run(request).status == "SUCCEEDED"
    (refused,) = refusals
    assert (refused.status, refused.error) == ("FAILED", "Busy")
    assert "works on the cluster; nothing was removed" in refused.cause


@embedded_only
def test_protection_holds_until_a_run_takes_it_back_and_a_protected_cluster_of_eks_is_named(
    cloud: EmbeddedCloud, machine: Machine, teardown: Machine, standing: Scene
) -> None:
    name = standing.cluster_name
    protected = {"cluster": {"name": name, "deletion_protection": True}, **SHORT}
    unprotected = {"cluster": {"name": name, "deletion_protection": False}, **SHORT}
    assert machine.run({**protected, "protect": True}).status == "SUCCEEDED"
    refused = teardown.run({"cluster_name": name})
    assert refused.error == "RequestError"
    assert "which is protected" in refused.cause
    assert machine.run(protected).status == "SUCCEEDED"
    blocked = teardown.run({"cluster_name": name})
    assert blocked.error == "RemovalBlocked"
    (event,) = published(cloud, "Storage Cluster Failed", blocked.arn)
    assert [cause["rule"] for cause in event["diagnosis"]] == ["deletion-protection"]
    assert machine.run(unprotected).status == "SUCCEEDED"


@embedded_only
def test_a_cluster_that_does_not_let_the_remover_in_goes_and_one_that_lets_nobody_look_does_not(
    cloud: EmbeddedCloud, machine: Machine, teardown: Machine, standing: Scene
) -> None:
    name, eks = standing.cluster_name, cloud.client("eks")
    inspector, remover = (f"arn:aws:iam::{cloud.account_id}:role/{STACK_NAME}-{role}" for role in ROLES)
    for role in (inspector, remover):
        eks.delete_access_entry(clusterName=name, principalArn=role)
    there = snapshot(cloud)
    blocked = teardown.run({"cluster_name": name})
    assert (blocked.error, difference(there, snapshot(cloud))) == ("RemovalBlocked", [])
    assert f"lets neither {inspector} nor {remover} look" in blocked.cause
    (event,) = published(cloud, "Storage Cluster Failed", blocked.arn)
    assert [cause["rule"] for cause in event["diagnosis"]] == ["no-way-in"]
    assert machine.run({"cluster": {"name": name}, **SHORT}).status == "SUCCEEDED"
    policy = f"arn:aws:eks::aws:cluster-access-policy/{POLICY}"
    eks.disassociate_access_policy(clusterName=name, principalArn=remover, policyArn=policy)
    before = record_of(cloud, machine, name)
    removed(teardown.run({"cluster_name": name}), cloud)
    assert "verified_at" in before
    assert "verified_at" not in record_of(cloud, machine, name)
