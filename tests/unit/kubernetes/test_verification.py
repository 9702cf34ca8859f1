"""verify() against a cluster in memory, call by call as the state machine makes them."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from jsonata import Jsonata

from provisioner.errors import ErrorReason, TerminalError
from provisioner.kubernetes import evidence
from provisioner.kubernetes import verification_objects as objects
from provisioner.kubernetes.proof import nonce_of, run_id_of
from provisioner.kubernetes.verification import verify
from provisioner.observation import Observation, Reason
from provisioner.request import Request
from provisioner.resources import quotas
from tests.statemachine import check
from tests.unit.kubernetes.fake_cluster import OVERLAY, FakeCluster
from tests.unit.kubernetes.samples import FILE_SYSTEM, a_request
from tests.unit.resources.fake_cloudwatch import FakeCloudWatch

RUN = run_id_of("arn:aws:states:eu-west-1:111122223333:execution:provision:one")
SCHEMA = json.loads((Path(__file__).parents[3] / "schemas" / "evidence.schema.json").read_text())
MOUNT_TIMED_OUT = 'MountVolume.SetUp failed for volume "efs-pv" : mount.nfs4: Connection timed out'


def step(cluster: FakeCluster, request: Request, progress: Any, run_id: str = RUN) -> Observation:
    # Through JSON both ways, as the state machine keeps it.
    given = json.loads(json.dumps(progress))
    observation = verify(
        request,
        cluster,
        run_id,
        given,
        lambda: datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        file_system_id=FILE_SYSTEM,
        access_point_ids=dict.fromkeys(one.storage.persistent_volume for one in request.of_each_volume),
    )
    return Observation(
        observation.ready,
        observation.reason,
        observation.retry_after_seconds,
        json.loads(json.dumps(observation.facts)),
    )


def run(cluster: FakeCluster, request: Request, run_id: str = RUN) -> tuple[dict[str, Any], list[Observation]]:
    progress: Any = None
    seen: list[Observation] = []
    for _ in range(1000):
        observation = step(cluster, request, progress, run_id)
        if observation.ready:
            return observation.facts["evidence"], seen
        seen.append(observation)
        progress = observation.facts["progress"]
        cluster.tick()
    raise AssertionError("verify() waits for ever")


def objects_left(cluster: FakeCluster) -> set[str]:
    return cluster.kinds() & {"Deployment", "Pod"}


def test_the_reader_is_made_when_all_have_written_and_it_waits_for_no_writer_to_be_gone() -> None:
    cluster, request = FakeCluster(), a_request()
    progress: Any = None
    readers_company: list[str] = []
    while not (observation := step(cluster, request, progress)).ready:
        known, progress = progress, observation.facts["progress"]
        roles = [each["metadata"]["labels"][objects.ROLE_LABEL] for each in cluster.list("Pod")]
        if "reader" in roles and not readers_company:
            readers_company = roles
            (said,) = known["volumes"]  # with the state machine since before this call, which may be lost
            assert len(said["writers"]) == 3
            assert said["appender"]
        cluster.tick()

    assert readers_company.count("writer") == 3
    assert "appender" not in readers_company
    found = observation.facts["evidence"]
    assert [writer["files"][0]["lines"] for writer in found["writers"]] == [20, 20, 20]
    assert len({pod["node"] for pod in [*found["writers"], found["reader"], found["appender"]]}) == 5
    assert objects_left(cluster) == set()


def test_no_more_pods_run_at_once_than_the_quota_of_vcpus_was_asked_for() -> None:
    cluster, request, progress, most = FakeCluster(), a_request(), None, 0
    while not (observation := step(cluster, request, progress)).ready:
        progress = observation.facts["progress"]
        most = max(most, sum(each["status"]["phase"] != "Succeeded" for each in cluster.list("Pod")))
        cluster.tick()
    asked = quotas.of_pods(request, FakeCloudWatch().client, datetime.now(UTC), with_dns=False).more
    assert asked == most * 0.25


def test_the_evidence_satisfies_its_schema_and_its_own_sha256() -> None:
    found, _ = run(FakeCluster(), a_request())
    jsonschema.validate(found, SCHEMA)
    assert found["sha256"] == evidence.digest(found)
    assert found["sha256"] != evidence.digest({**found, "run_id": "another"})
    assert found["reader"]["zone"] == "eu-west-1a"
    assert found["reader"]["mount"]["source"] == "127.0.0.1:/"
    assert found["counter"] == {"expected": 15, "found": 15}
    assert found["writers"][0]["image_digest"] == "sha256:" + "ab" * 32


def test_the_pods_of_one_volume_have_measured_and_evidence_from_before_is_still_evidence() -> None:
    volumes = [{"name": f"volume-{number}", "claim": f"claim-{number}"} for number in range(2)]
    found, _ = run(FakeCluster(), a_request())
    each = found["writers"][0]["measured"]
    assert (each["clock"], each["small_write"]) == ("dd", [1000 * number for number in range(1, 10)])
    assert (found["reader"]["measured"]["small_write"], found["reader"]["measured"]["sequential_read"]) == (
        [],
        [250000],
    )
    assert found["appender"]["measured"] is None
    for pod in (*found["writers"], found["appender"], found["reader"]):
        del pod["measured"]
    jsonschema.validate(found, SCHEMA)
    found["sha256"] = evidence.digest(found)
    assert evidence.SealedEvidence.model_validate(found).reader.measured is None

    request = a_request(storage={"volumes": volumes})
    several, _ = run(with_directories(request), request)
    assert [pod["measured"] is None for pod in several["writers"]] == [False] * 3
    (further,) = several["further_volumes"]
    assert [pod["measured"] for pod in (*further["writers"], further["reader"])] == [None] * 4


def test_the_published_schema_is_the_models() -> None:
    assert evidence.json_schema() == SCHEMA


def test_the_evidence_of_the_largest_run_fits_in_a_payload_many_times() -> None:
    request = a_request(verification={"writers": 20, "lines_per_writer": 1000, "timeout_seconds": 3600})
    found, seen = run(FakeCluster(), request)
    assert len(found["writers"]) == 20
    assert len(json.dumps(found)) < 100_000
    assert max(len(json.dumps(each.payload())) for each in seen) < 100_000


def test_so_does_that_of_the_most_volumes_with_the_most_writers() -> None:
    volumes = [
        {
            "name": f"volume-of-a-team-with-a-long-name-{number}",
            "claim": "shared",
            "namespace": f"namespace-of-a-team-with-a-long-name-{number}",
            "access_point": {"uid": 1000 + number, "gid": 1000, "path": f"/organisation/unit/teams/team-{number}"},
        }
        for number in range(10)
    ]
    found, seen = run(
        with_directories(request := a_request(storage={"volumes": volumes}, verification={"writers": 10})), request
    )
    assert len(found["further_volumes"]) == 9
    assert len(json.dumps(found)) < 180_000
    assert max(len(json.dumps(each.payload())) for each in seen) < 180_000


def test_every_call_may_be_made_twice_with_the_same_progress() -> None:
    cluster, request, progress = FakeCluster(), a_request(), None
    for _ in range(100):
        step(cluster, request, progress)
        observation = step(cluster, request, progress)
        if observation.ready:
            break
        progress = observation.facts["progress"]
        cluster.tick()
    assert observation.ready
    assert len(observation.facts["evidence"]["writers"]) == 3
    assert sum(each.startswith("create Deployment") for each in cluster.changes) == 1


def test_a_call_whose_writers_the_first_attempt_already_made_finds_them() -> None:
    cluster, request = FakeCluster(), a_request()
    step(cluster, request, None)
    before = list(cluster.changes)
    step(cluster, request, None)
    assert cluster.changes == before


@pytest.mark.parametrize("role", ["writer", "appender", "reader"])
def test_a_pod_that_the_default_scheduler_holds_is_made_again(role: str) -> None:
    cluster = FakeCluster(held_pods={role})
    found, seen = run(cluster, a_request())
    assert len(found["writers"]) == 3
    assert sum(each.startswith("delete Pod") and role in each for each in cluster.changes) >= 1
    assert sum(each.retry_after_seconds for each in seen) >= 30


@pytest.mark.parametrize(("timeout_seconds", "first"), [(900, 45), (60, 15)])
def test_the_first_look_is_late_unless_there_is_little_time_and_the_later_ones_are_close(
    timeout_seconds: int, first: int
) -> None:
    _, seen = run(FakeCluster(ticks_to_run=4), a_request(verification={"timeout_seconds": timeout_seconds}))
    assert seen[0].retry_after_seconds == first
    assert {each.retry_after_seconds for each in seen[1:]} == {0, 1, first}


def test_a_refused_mount_ends_in_an_error_with_the_event_verbatim_and_no_objects() -> None:
    cluster = FakeCluster(refused_mount=MOUNT_TIMED_OUT)
    with pytest.raises(TerminalError) as caught:
        run(cluster, a_request(verification={"timeout_seconds": 60}))
    assert caught.value.reason == ErrorReason.VERIFICATION_FAILED
    assert f"FailedMount: {MOUNT_TIMED_OUT}" in str(caught.value)
    cluster.tick()
    assert objects_left(cluster) == set()


def test_giving_up_is_counted_in_the_waits_asked_for() -> None:
    cluster = FakeCluster(refused_mount="no")
    waits: list[int] = []

    def until_it_gives_up() -> None:
        progress = None
        while True:
            observation = step(cluster, a_request(verification={"timeout_seconds": 100}), progress)
            waits.append(observation.retry_after_seconds)
            progress = observation.facts["progress"]
            cluster.tick()

    with pytest.raises(TerminalError, match=r"after 10\d s"):
        until_it_gives_up()
    assert 100 <= sum(waits) < 120


def waits_of(machine: str) -> Callable[[int, int], int]:
    """(seconds advised, seconds waited before) -> how long that state machine waits then."""
    scopes = check.scope_of(check.load(check.ROOT / "statemachine" / f"{machine}.asl.yaml"))
    (wait,) = [scope.states["Wait for verification"] for scope in scopes if "Wait for verification" in scope.states]
    seconds = Jsonata(wait["Seconds"].removeprefix("{%").removesuffix("%}"))

    def waits(advised: int, waited: int) -> int:
        environment = seconds.create_frame()
        environment.bind("verification", {"retry_after_seconds": advised})
        environment.bind("states", {"input": {"waited_seconds": waited}})
        return int(seconds.evaluate(None, environment))

    return waits


def test_what_is_counted_is_what_the_state_machines_wait_and_nothing_where_only_the_progress_had_to_be_safe() -> None:
    _, seen = run(FakeCluster(ticks_to_run=200), a_request(verification={"timeout_seconds": 3600}))
    machines = [waits_of("provision"), waits_of("reverify")]
    waited = 0
    for each in seen:
        assert {waits(each.retry_after_seconds, waited) for waits in machines} == {each.retry_after_seconds}
        waited += each.retry_after_seconds
        assert each.facts["progress"]["waited_seconds"] == waited
    assert waited > 1000
    proven = [each.retry_after_seconds for each in seen if each.facts["progress"]["evidence"]]
    assert proven[:2] == [0, 0]
    assert all(proven[2:])


def test_pods_that_run_and_say_nothing_of_their_end_are_quoted() -> None:
    mangled = FakeCluster(voices={"writer": lambda said: f"{said[:20]}<html>Bad\x1b[31m Gateway</html>"})
    with pytest.raises(TerminalError, match="still WritersWriting") as caught:
        run(mangled, a_request(verification={"timeout_seconds": 60}))
    assert r"is Running (it printed last: " in str(caught.value)
    assert r"<html>Bad\x1b[31m Gateway</html>" in str(caught.value)


def ended_after(cluster: FakeCluster, **verification: int) -> int:
    with pytest.raises(TerminalError, match="still") as caught:
        run(cluster, a_request(verification=verification))
    (seconds,) = re.findall(r"after (\d+) s", str(caught.value))
    return int(seconds)


def test_what_has_been_refused_for_eight_minutes_is_not_waited_for_any_longer() -> None:
    assert 480 <= ended_after(FakeCluster(refused_mount=MOUNT_TIMED_OUT)) <= 500
    assert 480 <= ended_after(FakeCluster(access_after_calls=10**6)) <= 500
    assert 480 <= ended_after(FakeCluster(refused_mount=MOUNT_TIMED_OUT), timeout_seconds=600) <= 500


def test_who_gives_more_time_has_half_of_it_waited_for_what_is_refused() -> None:
    assert 1800 <= ended_after(FakeCluster(refused_mount=MOUNT_TIMED_OUT), timeout_seconds=3600) <= 1820


def test_pods_that_say_nothing_are_waited_for_as_long_as_there_is_time() -> None:
    assert run(FakeCluster(ticks_to_run=200), a_request(verification={"timeout_seconds": 3600}))[0]
    assert ended_after(FakeCluster(ticks_to_run=10**6)) >= 900


def test_the_eight_minutes_begin_anew_with_every_pod_that_gets_further() -> None:
    cluster = FakeCluster(ticks_to_run=160)

    def until_it_gives_up() -> None:
        progress: Any = None
        while True:
            progress = step(cluster, a_request(), progress).facts["progress"]
            if progress["phase"] == "read":
                cluster.refused_mount = MOUNT_TIMED_OUT
            cluster.tick()

    with pytest.raises(TerminalError, match="still ReaderStarting") as caught:
        until_it_gives_up()
    (seconds,) = re.findall(r"after (\d+) s", str(caught.value))
    assert int(seconds) >= 160 + 480


def test_what_is_proven_in_the_last_second_is_still_cleaned_up_and_proven() -> None:
    cluster, request, progress = FakeCluster(), a_request(verification={"timeout_seconds": 60}), None
    while progress is None or progress["phase"] != "remove":
        progress = step(cluster, request, progress).facts["progress"]
        cluster.tick()
        if any(
            "reader" in pod["metadata"]["name"] and pod["status"]["phase"] == "Succeeded" for pod in cluster.list("Pod")
        ):
            progress["waited_seconds"] = 60
    while not (observation := step(cluster, request, progress)).ready:
        progress = observation.facts["progress"]
        cluster.tick()
    assert observation.facts["evidence"]["verified_at"]


@pytest.mark.parametrize("role", ["appender", "reader"])
def test_a_pod_that_fails_is_reported_with_what_it_said(role: str) -> None:
    cluster = FakeCluster(failing_roles={role})
    with pytest.raises(TerminalError, match="Permission denied"):
        run(cluster, a_request())
    cluster.tick()
    assert objects_left(cluster) == set()


def test_access_that_is_not_yet_effective_is_waited_for() -> None:
    found, seen = run(FakeCluster(access_after_calls=3), a_request())
    assert [each.reason for each in seen[:3]] == [Reason.ACCESS_NOT_YET_EFFECTIVE] * 3
    assert found["run_id"] == RUN


def test_access_that_never_comes_is_given_up() -> None:
    with pytest.raises(TerminalError, match=r"AccessNotYetEffective.*403"):
        run(FakeCluster(access_after_calls=10**6), a_request(verification={"timeout_seconds": 60}))


def test_a_containers_own_disk_cannot_pass_for_shared_storage() -> None:
    with pytest.raises(TerminalError, match="nothing mounted on /data"):
        run(FakeCluster(mount=OVERLAY), a_request())
    with pytest.raises(TerminalError, match="mounted as ext4, not nfs4"):
        run(FakeCluster(mount="/dev/vda1 /data ext4 rw 0 0"), a_request())


def test_locks_that_do_not_hold_across_nodes_fail_the_run() -> None:
    with pytest.raises(TerminalError, match="raised under flock is 5, not 15"):
        run(FakeCluster(locks=False), a_request())


def test_a_reader_on_a_writers_node_proves_nothing() -> None:
    with pytest.raises(TerminalError, match=r"where verification-.*-writer-.* had written"):
        run(FakeCluster(one_node=True), a_request())


def test_what_an_earlier_run_left_behind_is_removed_and_other_pods_are_not() -> None:
    cluster, request = FakeCluster(), a_request()
    earlier = run_id_of("arn:another")
    step(cluster, request, None, run_id=earlier)
    cluster.tick()
    bystander = {"name": "bystander", "namespace": "default", "labels": {}}
    cluster.put({"apiVersion": "v1", "kind": "Pod", "metadata": bystander, "spec": {}})
    run(cluster, request)
    pods = {name for kind, _, name in cluster.objects if kind == "Pod"}
    assert pods == {"bystander"}


def test_what_earlier_runs_left_is_waited_for_and_named_whatever_namespace_they_worked_in() -> None:
    cluster, elsewhere = FakeCluster(), a_request(storage={"namespace": "elsewhere"})
    earlier = run_id_of("arn:another")
    step(cluster, elsewhere, None, run_id=earlier)
    cluster.tick()
    observation = step(cluster, a_request(), None)
    assert observation.reason == Reason.STRAYS_TERMINATING
    left = observation.facts["progress"]["strays"]
    assert f"Deployment elsewhere/verification-{earlier}-writer" in left
    cluster.disk.files.clear()
    run(cluster, a_request())
    assert objects_left(cluster) == set()


@pytest.mark.parametrize(("uid", "user"), [(1000, 1000), (0, 65534)])
def test_behind_an_access_point_nobody_is_root_and_before_a_bare_file_system_only_root_can_write(
    uid: int, user: int
) -> None:
    bare = objects.reader(a_request(), RUN)["spec"]
    behind = objects.reader(a_request(storage={"access_point": {"uid": uid, "gid": uid, "path": "/d"}}), RUN)["spec"]
    default = {"seccompProfile": {"type": "RuntimeDefault"}}
    assert bare["securityContext"] == default
    assert behind["securityContext"] == {**default, "runAsNonRoot": True, "runAsUser": user, "runAsGroup": user}


def test_the_pods_say_what_they_use_and_may_not_use_more() -> None:
    (container,) = objects.writers(a_request(), RUN)["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"] == container["resources"]["requests"]
    assert container["resources"]["limits"].keys() == {"cpu", "memory"}


def refuse_writers(cluster: FakeCluster, message: str) -> None:
    name = f"verification-{RUN}-writer"
    cluster.put(
        {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": "refused", "namespace": "default"},
            "involvedObject": {"kind": "ReplicaSet", "name": f"{name}-56cbd"},
            "type": "Warning",
            "reason": "FailedCreate",
            "message": f'Error creating: pods "{name}-56cbd-x2vbz" {message}',
            "lastTimestamp": "2026-01-02T03:04:05Z",
        }
    )


def test_writers_that_the_api_refuses_to_make_end_the_run_at_once_in_its_words() -> None:
    cluster, request = FakeCluster(), a_request()
    progress = step(cluster, request, None).facts["progress"]
    refuse_writers(cluster, "is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1")
    with pytest.raises(TerminalError, match="exceeded quota: q, requested: pods=1") as caught:
        step(cluster, request, progress)
    assert caught.value.reason == ErrorReason.ADMISSION_REFUSED
    assert objects_left(cluster) == set()


def test_writers_that_are_not_made_for_a_moment_are_waited_for_with_the_reason() -> None:
    cluster, request = FakeCluster(), a_request(verification={"timeout_seconds": 60})
    progress = step(cluster, request, None).facts["progress"]
    refuse_writers(cluster, 'is forbidden: error looking up service account default/default: serviceaccount "default"')
    progress = step(cluster, request, progress).facts["progress"]
    progress["waited_seconds"] = 60
    with pytest.raises(TerminalError, match=r"0 of 3 writers exist .*error looking up service account"):
        step(cluster, request, progress)


def test_what_every_pod_on_fargate_says_is_no_trouble() -> None:
    cluster = FakeCluster(refused_mount=MOUNT_TIMED_OUT)
    with pytest.raises(TerminalError) as caught:
        run_with_logging_disabled(cluster)
    assert "LoggingDisabled" not in str(caught.value)
    assert MOUNT_TIMED_OUT in str(caught.value)


def run_with_logging_disabled(cluster: FakeCluster) -> None:
    request, progress = a_request(verification={"timeout_seconds": 60}), None
    while True:
        progress = step(cluster, request, progress).facts["progress"]
        cluster.tick()
        for (kind, _, _), pod in list(cluster.objects.items()):
            if kind == "Pod":
                cluster.warn(pod, "LoggingDisabled", "Disabled logging because aws-logging configmap was not found.")


def test_another_execution_has_another_run_id_and_nonce_and_the_same_one_has_the_same() -> None:
    assert run_id_of("arn:a") == run_id_of("arn:a") != run_id_of("arn:b")
    assert nonce_of(run_id_of("arn:a")) != nonce_of(run_id_of("arn:b"))


TEAMS = [
    {
        "name": f"efs-{team}",
        "claim": "shared",
        "namespace": team,
        "access_point": {"uid": uid, "gid": uid, "path": path},
    }
    for team, uid, path in (("red", 1001, "/teams/red"), ("blue", 1002, "/teams/blue"))
]


def teams(*more: dict[str, Any], **verification: Any) -> Request:
    return a_request(storage={"volumes": [*TEAMS, *more]}, verification=verification)


def with_directories(request: Request) -> FakeCluster:
    cluster = FakeCluster()
    for one in request.of_each_volume:
        point = one.storage.access_point
        cluster.disk.roots[one.storage.namespace, one.storage.claim] = point.path if point else ""
    return cluster


def test_each_volume_has_its_own_proof_and_its_pods_find_their_own_file_and_none_of_anothers() -> None:
    request = teams()
    cluster = with_directories(request)
    found, _ = run(cluster, request)
    jsonschema.validate(found, SCHEMA)
    assert found["sha256"] == evidence.digest(found)
    volumes = [found, *found["further_volumes"]]
    assert [(each["persistent_volume"], each["namespace"]) for each in volumes] == [
        ("efs-red", "red"),
        ("efs-blue", "blue"),
    ]
    assert [len(each["writers"]) for each in volumes] == [3, 3]
    pods = {pod["pod"] for each in volumes for pod in (*each["writers"], each["neighbour"], each["reader"])}
    assert len(pods) == 10
    read = {
        (each["persistent_volume"], attempt["volume"]): attempt["read_at"]
        for each in volumes
        for attempt in each["neighbour"]["attempts"]
    }
    assert read == {
        ("efs-red", "efs-red"): f".verification/{RUN}-1/out.txt",
        ("efs-red", "efs-blue"): None,
        ("efs-blue", "efs-blue"): f".verification/{RUN}-2/out.txt",
        ("efs-blue", "efs-red"): None,
    }
    assert objects_left(cluster) == set()
    assert cluster.disk.files == {}


@pytest.mark.parametrize(
    ("mounted", "where"),
    [
        ("", "teams/red/.verification/{run}-1/out.txt"),
        ("/teams", "red/.verification/{run}-1/out.txt"),
        ("/teams/red", ".verification/{run}-1/out.txt"),
    ],
)
def test_a_volume_through_which_pods_can_read_what_another_holds_fails_the_run(mounted: str, where: str) -> None:
    request = teams()
    cluster = with_directories(request)
    cluster.disk.roots["blue", "shared"] = mounted
    said = (
        f"volume efs-blue is not apart from volume efs-red: Pod verification-{RUN}-2-neighbour mounts efs-blue and "
        f"could read what efs-red holds, at /data/{where.format(run=RUN)}"
    )
    with pytest.raises(TerminalError, match=re.escape(said)) as caught:
        run(cluster, request)
    assert caught.value.reason == ErrorReason.VERIFICATION_FAILED
    cluster.tick()
    assert objects_left(cluster) == set()


def test_a_volume_that_was_asked_to_hold_anothers_directory_may_read_it_and_the_evidence_says_so() -> None:
    request = teams({"name": "efs-all", "claim": "all", "namespace": "operators"})
    found, _ = run(with_directories(request), request)
    *_, everything = found["further_volumes"]
    assert {each["volume"]: each["read_at"] for each in everything["neighbour"]["attempts"]} == {
        "efs-red": f"teams/red/.verification/{RUN}-1/out.txt",
        "efs-blue": f"teams/blue/.verification/{RUN}-2/out.txt",
        "efs-all": f".verification/{RUN}-3/out.txt",
    }


def test_a_pod_that_finds_not_even_its_own_volumes_file_proves_nothing() -> None:
    request = teams()
    cluster = with_directories(request)
    cluster.blind_roles.add("neighbour")
    with pytest.raises(TerminalError, match="volume efs-red: its pod did not find its own volume's file"):
        run(cluster, request)


def test_what_a_volume_waits_for_is_told_with_its_name_and_the_others_are_waited_for_too() -> None:
    request = teams(timeout_seconds=60)
    cluster = with_directories(request)
    cluster.unmountable.add(("blue", "shared"))
    with pytest.raises(TerminalError) as caught:
        run(cluster, request)
    assert str(caught.value).startswith("VerificationFailed: volume efs-blue: still WritersStarting after ")
    assert "efs-red" not in str(caught.value)
    assert objects_left(cluster) <= {"Pod"}
    cluster.tick()
    assert objects_left(cluster) == set()


def test_volumes_in_one_namespace_have_pods_of_their_own() -> None:
    more = {"name": "efs-red-2", "claim": "more", "namespace": "red"}
    request = teams({**more, "access_point": {"uid": 1003, "gid": 1003, "path": "/teams/red-2"}})
    found, _ = run(with_directories(request), request)
    assert [len(each["writers"]) for each in found["further_volumes"]] == [3, 3]


def test_every_call_of_several_volumes_may_be_made_twice() -> None:
    request, progress = teams(), None
    cluster = with_directories(request)
    for _ in range(100):
        step(cluster, request, progress)
        observation = step(cluster, request, progress)
        if observation.ready:
            break
        progress = observation.facts["progress"]
        cluster.tick()
    assert observation.ready
    assert sum(each.startswith("create Deployment") for each in cluster.changes) == 2
    assert sum("neighbour" in each and each.startswith("create") for each in cluster.changes) == 2


def test_one_volume_that_stays_refused_ends_the_run_though_the_others_are_done() -> None:
    request = teams(timeout_seconds=900)
    cluster = with_directories(request)
    cluster.unmountable.add(("blue", "shared"))
    with pytest.raises(TerminalError) as caught:
        run(cluster, request)
    (seconds,) = re.findall(r"volume efs-blue: still WritersStarting after (\d+) s", str(caught.value))
    assert 480 <= int(seconds) <= 540
