"""Whatever ends a run or a check, its pods are gone, or named and gone once the next one is through."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local.aws.hooks import Call
from local.cloud import EmbeddedCloud
from local.faults import FAULTS
from local.faults.admission import WEBHOOKS, policy_webhook
from local.faults.scene import Scene
from provisioner.kubernetes.verification_objects import RUN_LABEL
from tests.end_to_end.runs import Machine, Run
from tests.end_to_end.test_provision import published, validate

CLUSTER = "left"
REQUEST = {"cluster": {"name": CLUSTER}, "verification": {"writers": 2, "timeout_seconds": 60}}
CHECK = {"cluster_name": CLUSTER}
PHASES = 5
"""A proof takes at least so many invocations: start, write, stop the writers, read, clean up."""

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
    """Calls `act` just before the proof's function runs for this cluster for the `number`-th time."""
    count = [0]
    lock = threading.Lock()

    def note(call: Call) -> None:
        if "-VerifyStorageFunction-" in call.path and f'"{CLUSTER}"' in call.body:
            with lock:
                count[0] += 1
                if count[0] == number:
                    act()

    disarm = cloud.server.hooks.before("lambda:Invoke", note)
    try:
        yield
    finally:
        disarm()


def failed_event(cloud: EmbeddedCloud, run: Run) -> dict[str, Any]:
    assert run.status == "FAILED"
    (event,) = published(cloud, "Storage Cluster Failed", run.arn)
    validate("storage-cluster-failed.schema.json", event)
    return event


@embedded_only
@pytest.mark.timeout(240)
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
@pytest.mark.timeout(240)
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


@embedded_only
@pytest.mark.timeout(240)
@pytest.mark.parametrize("number", range(1, PHASES + 1))
def test_a_run_that_is_stopped_in_any_phase_of_its_proof_is_cleaned_up_after_by_the_next_check(
    number: int, cloud: EmbeddedCloud, machine: Machine, reverify: Machine, scene: Scene
) -> None:
    arn = machine.start(REQUEST)
    with invoked(cloud, number, lambda: machine.client.stop_execution(executionArn=arn, error="Stopped", cause="test")):
        assert machine.wait(arn).status == "ABORTED"
    checked = reverify.run(CHECK)
    assert checked.status == "SUCCEEDED", checked.cause
    assert nothing_is_left(scene)


@embedded_only
@pytest.mark.timeout(240)
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
