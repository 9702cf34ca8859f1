"""From a failure to ranked causes: proved first, two faults both named, nothing hidden, nothing guessed."""

import threading
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provisioner.diagnosis.diagnose import NO_MESSAGE, diagnose
from provisioner.diagnosis.model import Cause, Failure
from provisioner.diagnosis.rules import RULES
from provisioner.errors import ErrorReason, RetryableError
from tests.unit.diagnosis.messages import FAILURES, SIGNALS, failed
from tests.unit.diagnosis.world import CIDRS, World

TIMED_OUT = SIGNALS["timed out"][0].text


def verification_failed(*said: str) -> Failure:
    pods = "; ".join(f"Pod verification-1-writer-{n} is Pending ({text})" for n, text in enumerate(said))
    return failed(
        "Verify storage", f"VerificationFailed: still WritersStarting after 900 s: {pods}; see the pods' events"
    )


def ranked(causes: list[Cause]) -> list[tuple[str, str]]:
    return [(cause.rule, cause.verdict) for cause in causes]


def test_the_proved_cause_comes_first_and_refuted_ones_tell_what_was_seen(world: World) -> None:
    world.refuse(CIDRS[0])
    causes = diagnose(verification_failed(f"FailedMount: {TIMED_OUT}"), world.live())
    assert ranked(causes)[0] == ("security-group-closed", "proved")
    assert causes[0].symptom == TIMED_OUT
    assert world.group_id in causes[0].fix
    assert {verdict for _, verdict in ranked(causes)[1:]} == {"refuted"}
    assert all(cause.probe.saw and cause.fix == "nothing to do here" for cause in causes[1:])


def test_of_two_faults_the_hidden_one_is_found_by_looking(world: World) -> None:
    world.refuse(CIDRS[0])
    world.efs.delete_mount_target(MountTargetId=world.mount_target_ids[1])
    causes = diagnose(verification_failed(f"FailedMount: {TIMED_OUT}"), world.live())
    assert ranked(causes)[:2] == [("security-group-closed", "proved"), ("mount-target-missing", "proved")]
    assert causes[1].symptom == NO_MESSAGE
    assert world.subnet_ids[1] in causes[1].fix


def test_of_two_symptoms_both_proved_are_told(world: World) -> None:
    world.remove("CSIDriver")
    world.ec2.modify_vpc_attribute(VpcId=world.vpc_id, EnableDnsSupport={"Value": False})
    said = [f"FailedMount: {SIGNALS[name][0].text}" for name in ("driver missing", "unresolved")]
    proved = [
        rule for rule, verdict in ranked(diagnose(verification_failed(*said), world.live())) if verdict == "proved"
    ]
    assert proved == ["csi-driver-missing", "dns-attributes-off"]


def test_live_events_are_symptoms_of_their_own(world: World) -> None:
    world.refuse(CIDRS[0])
    world.warn("FailedMount", TIMED_OUT)
    causes = diagnose(
        failed("Verify storage", "VerificationFailed: still WritersStarting after 9 s: no pod says why; x"),
        world.live(),
    )
    assert ranked(causes)[0] == ("security-group-closed", "proved")
    assert causes[0].symptom == TIMED_OUT


def test_events_of_another_run_are_not_ours(world: World) -> None:
    world.warn("FailedMount", "something new", about="verification-ffffffffffff-writer-1")
    causes = diagnose(verification_failed(f"FailedMount: {TIMED_OUT}"), world.live())
    assert "something new" not in str(causes)


def test_an_unknown_message_is_reported_verbatim_and_never_guessed(world: World) -> None:
    world.warn("FailedMount", "the frobnicator is out of phase")
    causes = diagnose(verification_failed("FailedMount: the frobnicator is out of phase"), world.live())
    assert ranked(causes) == [("unknown", "possible")]
    assert causes[0].cause == "unknown message"
    assert causes[0].symptom == "the frobnicator is out of phase"


def test_a_failure_that_nothing_explains_is_itself_the_unknown_message(world: World) -> None:
    failure = failed("Ensure file system", "Unexpected: KeyError; read the function's log")
    causes = diagnose(failure, world.live())
    assert [(cause.rule, cause.symptom) for cause in causes] == [("unknown", failure.cause)]


def test_that_a_container_is_started_again_and_again_is_no_news(world: World) -> None:
    world.warn("BackOff", "Back-off restarting failed container verification in pod one")
    world.refuse(CIDRS[0])
    crash = "CrashLoopBackOff: back-off 10s restarting failed container=verification"
    causes = diagnose(verification_failed(f"FailedMount: {TIMED_OUT}", crash), world.live())
    assert "unknown" not in dict(ranked(causes))


def test_an_unknown_message_comes_before_what_may_follow_from_it(world: World) -> None:
    issue = {"code": "InsufficientNumberOfReplicas", "message": "none"}
    world.addon.update(status="DEGRADED", health={"issues": [issue]})
    world.warn(
        "FailedScheduling", "a new thing", component="fargate-scheduler", about="coredns-1", namespace="kube-system"
    )
    cause = "Unusable: add-on coredns is DEGRADED: InsufficientNumberOfReplicas: none; check"
    causes = diagnose(failed("Ensure cluster DNS", cause), world.live())
    assert ranked(causes) == [("unknown", "possible"), ("addon-degraded", "possible")]
    assert causes[0].symptom == "a new thing"


def test_a_proof_that_failed_is_not_put_down_to_cluster_dns(world: World) -> None:
    world.addon.update(status="DEGRADED", configurationValues="{}")
    causes = diagnose(failed("Verify storage", "VerificationFailed: something new"), world.live())
    assert ranked(causes) == [("unknown", "possible")]


def test_a_message_whose_usual_causes_are_all_refuted_is_told_verbatim_before_them(world: World) -> None:
    said = SIGNALS["denied"][0].text
    causes = diagnose(verification_failed(f"FailedMount: {said}", f"FailedMount: {said}"), world.live())
    assert ranked(causes)[0] == ("unknown", "possible")
    assert causes[0].symptom == said
    assert [verdict for _, verdict in ranked(causes)[1:]] == ["refuted"] * 3


def test_an_unknown_message_beside_a_proved_cause_comes_after_it(world: World) -> None:
    world.refuse(CIDRS[0])
    world.warn("FailedMount", "the frobnicator is out of phase")
    causes = diagnose(verification_failed(f"FailedMount: {TIMED_OUT}"), world.live())
    assert ranked(causes)[:2] == [("security-group-closed", "proved"), ("unknown", "possible")]


def test_a_probe_that_may_not_look_is_possible_with_what_prevented_it(world: World) -> None:
    def deny(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "UnauthorizedOperation", "Message": "no"}}, "DescribeNetworkAcls")

    world.ec2.meta.events.register_first("before-call.ec2.DescribeNetworkAcls", deny)
    more = world.subnet("ap-northeast-1a", "192.168.160.0/19")
    world.ec2.associate_route_table(RouteTableId=world.route_table_id, SubnetId=more)
    world.profile(subnets=[*world.subnet_ids, more])
    world.admit("192.168.160.0/19")
    world.refuse(CIDRS[1])
    causes = diagnose(verification_failed(f"FailedMount: {TIMED_OUT}"), world.live())
    assert ranked(causes)[:2] == [("security-group-closed", "proved"), ("network-acl-closed", "possible")]
    assert causes[1].probe.saw == "DescribeNetworkAcls: UnauthorizedOperation"


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("secret token"),
        ConnectTimeoutError(endpoint_url="https://x"),
        RetryableError(ErrorReason.SERVICE_UNAVAILABLE, "gone", remedy="again"),
    ],
)
def test_where_nothing_can_be_looked_at_every_cause_stays_possible(world: World, error: Exception) -> None:
    def connect() -> Any:
        raise error

    live = world.live()
    live.connection._connect = connect
    causes = diagnose(verification_failed(f"FailedMount: {TIMED_OUT}"), live)
    assert {cause.rule for cause in causes} == SIGNALS["timed out"][1]
    assert {cause.verdict for cause in causes} == {"possible"}
    assert all(cause.probe.looked_at == "could not look" for cause in causes)
    assert "secret" not in str(causes)


def test_a_read_that_failed_is_not_made_again_by_the_next_probe(world: World) -> None:
    attempts = []

    def connect() -> Any:
        attempts.append(1)
        raise RuntimeError

    live = world.live()
    live.connection._connect = connect
    diagnose(verification_failed(f"FailedMount: {TIMED_OUT}"), live)
    assert len(attempts) == 1


def test_a_call_that_hangs_is_left_behind(world: World) -> None:
    over, left = threading.Event(), threading.Event()

    def hang(**_: Any) -> None:
        over.wait(300)
        left.set()

    world.ec2.meta.events.register_first("before-call.ec2.DescribeSecurityGroups", hang)
    causes = diagnose(verification_failed(f"FailedMount: {TIMED_OUT}"), world.live(), budget_seconds=1)
    assert not left.is_set()
    over.set()
    assert ("security-group-closed", "possible") in ranked(causes)
    assert "the time for looking was over" in {cause.probe.saw for cause in causes}


def test_after_a_failure_while_building_storage_that_is_not_there_yet_is_no_cause(world: World) -> None:
    for mount_target_id in world.mount_target_ids:
        world.efs.delete_mount_target(MountTargetId=mount_target_id)
    world.kubernetes.objects.clear()
    world.cluster.update(status="FAILED", health={"issues": [{"code": "InternalFailure", "message": "no"}]})
    causes = diagnose(
        failed("Ensure cluster", "Unusable: cluster eks-example is FAILED: InternalFailure: no; x"), world.live()
    )
    assert ranked(causes) == [("cluster-failed", "proved")]


def test_of_two_branches_that_failed_both_are_told(world: World, efs_backend: Any) -> None:
    world.profile(status="CREATE_FAILED", health={"issues": [{"code": "AccessDenied", "message": "no"}]})
    efs_backend.mount_targets_by_id[world.mount_target_ids[0]].life_cycle_state = "error"
    failure, _ = FAILURES["profile failed"]
    assert ranked(diagnose(failure, world.live()))[:2] == [
        ("fargate-profile-failed", "proved"),
        ("mount-target-failed", "proved"),
    ]


@pytest.mark.parametrize(("failure", "rules"), FAILURES.values(), ids=FAILURES)
def test_every_rule_that_recognises_the_failure_is_told_with_a_verdict(
    world: World, failure: Failure, rules: set[str]
) -> None:
    assert rules <= {cause.rule for cause in diagnose(failure, world.live())}


states = st.sampled_from(sorted({state for rule in RULES for state in rule.states} | {"Publish completion", ""}))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(state=states, error=st.text(max_size=20), cause=st.text(max_size=200))
def test_no_text_and_no_state_whatever_raises(world: World, state: str, error: str, cause: str) -> None:
    for each in diagnose(Failure(state=state, error=error, cause=cause), world.live()):
        Cause.model_validate_json(each.model_dump_json())
