"""Whatever ends a run or a check, its pods are gone, or named and gone once the next one is through."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

import pytest

from local.aws import iam_changes
from local.aws.hooks import Call, Undo
from local.cloud import EmbeddedCloud
from local.faults import FAULTS, young
from local.faults.admission import WEBHOOKS, policy_webhook
from local.faults.scene import Scene
from provisioner.kubernetes.verification_objects import RUN_LABEL
from tests.end_to_end.runs import Machine, Run, until
from tests.end_to_end.test_provision import published, validate

CLUSTER = "left"
REQUEST = {"cluster": {"name": CLUSTER}, "verification": {"writers": 2, "timeout_seconds": 300}}
CHECK = {"cluster_name": CLUSTER}
BEFORE_THE_PROOF = ("Validate request", "Claim cluster", "Check account", "Ensure network")
"""Those that a run without rights still enters."""

embedded_only = pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")


@pytest.fixture(scope="module")
def scene(cloud: EmbeddedCloud, machine: Machine) -> Scene:
    """A cluster that was proven."""
    run = machine.run(REQUEST)
    assert run.status == "SUCCEEDED", run.cause
    return Scene.recorded(cloud, machine.outputs["ClaimsTableName"], CLUSTER)


def left(scene: Scene) -> list[str]:
    """What `kubectl get pods,deployments -A` shows of proofs."""
    found = [
        each
        for path in ("/api/v1/pods", "/apis/apps/v1/deployments")
        for each in (scene.get(f"{path}?labelSelector={RUN_LABEL}") or {"items": []})["items"]
    ]
    return [each["metadata"]["name"] for each in found if "deletionTimestamp" not in each["metadata"]]


def nothing_is_left(scene: Scene) -> bool:
    scene.until(lambda: not left(scene))
    return True


@contextmanager
def invoked(cloud: EmbeddedCloud, number: int, act: Callable[[], Any]) -> Iterator[None]:
    """Calls `act` just before the proof's function runs for this cluster for the `number`-th time.

    Leaves when the function is through: who stops a run does not wait for it, and it may yet make what others look for.
    """
    struck: list[Call] = []
    count, lock, is_through = [0], threading.Lock(), threading.Event()

    def note(call: Call) -> None:
        if "-VerifyStorageFunction-" in call.path and f'"{CLUSTER}"' in call.body:
            with lock:
                count[0] += 1
                if count[0] == number:
                    struck.append(call)
                    act()

    def note_end(call: Call) -> None:
        if any(call is each for each in struck):
            is_through.set()

    disarm = [cloud.server.hooks.after("lambda:Invoke", note_end), cloud.server.hooks.before("lambda:Invoke", note)]
    try:
        yield
        assert struck, f"the proof's function has run {count[0]} times"
        until(is_through.is_set, "the proof's function to be through")
    finally:
        for each in disarm:
            each()


def failed_event(cloud: EmbeddedCloud, run: Run) -> dict[str, Any]:
    assert run.status == "FAILED"
    (event,) = published(cloud, "Storage Cluster Failed", run.arn)
    validate("storage-cluster-failed.schema.json", event)
    return event


@embedded_only
@pytest.mark.parametrize("name", ["nodes-unreachable", "webhook-down", "namespace-quota"])
def test_a_run_that_used_up_its_retries_leaves_nothing(
    name: str, cloud: EmbeddedCloud, machine: Machine, scene: Scene
) -> None:
    request = {**REQUEST, "cluster": {"name": f"left-{name}"}}
    disarm = FAULTS[name].install(cloud, f"left-{name}")
    try:
        event = failed_event(cloud, machine.run(request))
    finally:
        disarm()
    assert event["left_behind"] is None
    own = Scene(cloud, {"request": {**request, "account_id": cloud.account_id, "region": cloud.region}})
    assert nothing_is_left(own)


@embedded_only
def test_pods_that_cannot_be_removed_are_named_and_the_next_check_removes_them(
    cloud: EmbeddedCloud, machine: Machine, reverify: Machine, scene: Scene
) -> None:
    """The policy controller goes down while the pods run; it has to be asked about their removal, too."""
    with invoked(cloud, 2, lambda: scene.create(WEBHOOKS, policy_webhook(scene))):
        event = failed_event(cloud, machine.run(REQUEST))
    assert event["diagnosis"][0]["rule"] == "webhook-unreachable"
    assert "verification-" in event["left_behind"]
    assert "failed calling webhook" in event["left_behind"]
    assert left(scene)
    scene.remove(f"{WEBHOOKS}/policy-controller")
    checked = reverify.run(CHECK)
    assert checked.status == "SUCCEEDED", checked.cause
    assert checked.entered("Clean up verification")
    assert nothing_is_left(scene)


@contextmanager
def webhook_down(scene: Scene) -> Iterator[None]:
    """It has to be asked about pods, about their removal too."""
    scene.create(WEBHOOKS, policy_webhook(scene))
    try:
        yield
    finally:
        scene.remove(f"{WEBHOOKS}/policy-controller")


@contextmanager
def nodes_unreachable(scene: Scene) -> Iterator[None]:
    """The API server reads no pod's log."""
    ec2, group_id = scene.client("ec2"), scene.cluster.security_group_id
    (group,) = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
    ec2.revoke_security_group_ingress(GroupId=group_id, IpPermissions=group["IpPermissions"])
    try:
        yield
    finally:
        ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=group["IpPermissions"])


@contextmanager
def rights_not_effective(scene: Scene) -> Iterator[None]:
    """Of all that the provisioner's role was ever given."""
    role = young.role_arn(str(scene.request["account_id"]), "provisioner")
    iam_changes.DELAYS[role, "policies"] = young.AN_HOUR
    try:
        yield
    finally:
        del iam_changes.DELAYS[role, "policies"]


Trouble = Callable[[Scene], AbstractContextManager[None]]

KILLED_IN_THE_PROOF: tuple[tuple[int, Trouble], ...] = (
    (1, webhook_down),
    (1, rights_not_effective),
    (2, nodes_unreachable),
    (3, webhook_down),
    (3, rights_not_effective),
    (4, nodes_unreachable),
    (4, rights_not_effective),
    (5, webhook_down),
    (5, nodes_unreachable),
)
"""Each phase with each trouble that it can meet in a way of its own: pods are made and removed through webhooks, logs
are read from nodes, everything needs rights; the second phase with the webhook is every kind's, below. In the states
before the proof a run has no pods yet; those after the clean-up only tell what is there."""


@embedded_only
@pytest.mark.parametrize(("number", "trouble"), KILLED_IN_THE_PROOF)
def test_a_run_in_trouble_that_is_stopped_in_any_phase_of_its_proof_is_cleaned_up_after_by_the_next_check(
    number: int, trouble: Trouble, machine: Machine, reverify: Machine, scene: Scene
) -> None:
    assert the_next_check_removes_what_a_stopped_run_left(number, trouble, machine, reverify, scene)


@pytest.mark.parametrize(("number", "trouble"), [(2, webhook_down)])
def test_every_kind_of_kubernetes_is_cleaned_up_after_a_run_that_was_stopped_in_trouble(
    number: int, trouble: Trouble, machine: Machine, reverify: Machine, scene: Scene
) -> None:
    """Where Kubernetes itself refuses what is to be made and removed."""
    assert the_next_check_removes_what_a_stopped_run_left(number, trouble, machine, reverify, scene)


def the_next_check_removes_what_a_stopped_run_left(
    number: int, trouble: Trouble, machine: Machine, reverify: Machine, scene: Scene
) -> bool:
    arn = machine.start(REQUEST)
    with ExitStack() as troubles:

        def strike() -> None:
            troubles.enter_context(trouble(scene))
            machine.client.stop_execution(executionArn=arn, error="Stopped", cause="test")

        with invoked(scene.cloud, number, strike):
            assert machine.wait(arn).status == "ABORTED"
    checked = reverify.run(CHECK)
    assert checked.status == "SUCCEEDED", checked.cause
    return nothing_is_left(scene)


@embedded_only
@pytest.mark.parametrize(
    ("trouble", "state"),
    [
        (webhook_down, "Diagnose failure"),
        (nodes_unreachable, "Clean up verification"),
        (rights_not_effective, "Clean up verification"),
    ],
)
def test_a_run_in_trouble_that_is_stopped_before_it_has_cleaned_up_is_cleaned_up_after_by_the_next_run(
    trouble: Trouble, state: str, cloud: EmbeddedCloud, machine: Machine, scene: Scene
) -> None:
    with ExitStack() as troubles, invoked(cloud, 2, lambda: troubles.enter_context(trouble(scene))):
        assert machine.stop_in(state, REQUEST).status == "ABORTED"
    run = machine.run(REQUEST)
    assert run.status == "SUCCEEDED", run.cause
    assert nothing_is_left(scene)


@embedded_only
def test_runs_that_are_stopped_in_trouble_before_their_proof_leave_what_an_earlier_one_left_to_the_next_that_is_through(
    cloud: EmbeddedCloud, machine: Machine, scene: Scene
) -> None:
    arn = machine.start(REQUEST)
    with invoked(cloud, 2, lambda: machine.client.stop_execution(executionArn=arn, error="Stopped", cause="test")):
        assert machine.wait(arn).status == "ABORTED"
    with rights_not_effective(scene):
        for state in BEFORE_THE_PROOF:
            assert machine.stop_in(state, REQUEST).status == "ABORTED"
    assert left(scene)
    run = machine.run(REQUEST)
    assert run.status == "SUCCEEDED", run.cause
    assert nothing_is_left(scene)


@embedded_only
@pytest.mark.parametrize("number", [2, 4])
def test_a_run_whose_function_is_killed_while_its_pods_run_removes_them_itself(
    number: int, cloud: EmbeddedCloud, machine: Machine, scene: Scene
) -> None:
    with ExitStack() as armed, invoked(cloud, number, lambda: armed.callback(kill_at_its_first_call(cloud))):
        event = failed_event(cloud, machine.run(REQUEST))
    assert event["failure"]["error"] == "Runtime.ExitError"
    assert event["left_behind"] is None
    assert nothing_is_left(scene)


def kill_at_its_first_call(cloud: EmbeddedCloud) -> Undo:
    """Or at somebody else's while it runs; the returned function disarms it."""
    lock, killed = threading.Lock(), threading.Event()

    def strike(_: Call) -> None:
        with lock:
            if not killed.is_set() and cloud.server.lambda_runtime.kill("VerifyStorage"):
                killed.set()

    return cloud.server.hooks.before("*", strike)


@embedded_only
def test_a_check_without_strays_takes_no_role_that_writes_and_the_next_run_removes_files_of_dead_ones(
    cloud: EmbeddedCloud, machine: Machine, reverify: Machine, scene: Scene
) -> None:
    assert not reverify.run(CHECK).entered("Clean up verification")
    (shared,) = (cloud.directory / "efs").glob(f"{scene.file_system_id}*")
    dead = shared / ".verification" / "0123456789ab" / "left.txt"
    dead.parent.mkdir(parents=True, exist_ok=True)
    dead.write_text("left\n")
    run = machine.run(REQUEST)
    assert run.status == "SUCCEEDED", run.cause
    assert not (shared / ".verification").exists()
