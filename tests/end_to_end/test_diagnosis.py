"""Break one thing behind the program's back, and the failure event names it first, proved, with what to do."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.aws import iam
from local.aws.eks_clusters import take_down
from local.aws.eks_state import clusters_of
from local.aws.hooks import Call
from local.cloud import EmbeddedCloud
from local.faults import DOUBLE_FAULTS, FAULTS
from provisioner.diagnosis.rules import RULES
from provisioner.request import Request
from tests.end_to_end import verdicts
from tests.end_to_end.resources import mutating
from tests.end_to_end.runs import Machine, Run
from tests.end_to_end.test_provision import published, validate

AT_ONCE = 3
"""More at once would only start more Lambda environments."""

SLOW = ("add-on-degraded", "role-not-assumable", "throttling")
"""They wait long for what does not come; first, so that the others run meanwhile."""

WITH_A_SAY_OF_KUBERNETES = (
    "namespace-quota",
    "pod-security",
    "webhook-down",
    "security-group",
    "csi-driver-missing",
    "persistent-volume-released",
    "unsupported-pod",
    "access-entry-missing",
    "tls-interception",
    "volumes-not-apart",
)
"""Where Kubernetes itself has a say, and one where it has not: run on every kind of it."""

REQUEST = {"verification": {"writers": 2, "timeout_seconds": 60}}
NAMED = (
    r"\b(fs|fsap|fsmt|sg|subnet|vpc|rtb|acl|nat)-[0-9a-f]{{8,}}|arn:aws:|efs.csi.aws.com|busybox|coredns|eks|"
    r"{cluster}|efs-(pv|claim|sc)|verification-|another-teams|L-[0-9A-F]{{8}}"
)
"""Real names: ids, and what things of a run with a default request are called."""

KEYS = {"name", "names"}
"""Parameters of the tests here that say what is to be broken."""

embedded_only = pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")


@dataclass(frozen=True)
class Diagnosed:
    run: Run
    event: dict[str, Any]
    verdicts: verdicts.Row

    @property
    def causes(self) -> list[dict[str, Any]]:
        causes: list[dict[str, Any]] = self.event["diagnosis"]
        return causes


Diagnose = Callable[..., Diagnosed]


@pytest.fixture(scope="module")
def diagnose(request: pytest.FixtureRequest, cloud: EmbeddedCloud, machine: Machine) -> Iterator[Diagnose]:
    """Gives what came of a run with these faults; what later tests ask for is under way meanwhile."""
    asked = sorted(asked_for(request.session, cloud.control_planes.name), key=lambda names: names[0] not in SLOW)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = {names: pool.submit(run_with, cloud, machine, names) for names in asked}
        yield lambda *names: runs[names].result()


def asked_for(session: pytest.Session, kind: str) -> list[tuple[str, ...]]:
    """The faults of every selected test here that runs on this kind of Kubernetes, in the order of the tests."""
    found: dict[tuple[str, ...], None] = {}
    for item in session.items:
        parameters: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
        if item.path == Path(__file__) and parameters.get("cloud") == kind:
            for key in KEYS & parameters.keys():
                found[tuple(parameters[key]) if key == "names" else (parameters[key],)] = None
    return list(found)


def run_with(cloud: EmbeddedCloud, machine: Machine, names: Sequence[str], suffix: str = "") -> Diagnosed:
    cluster = "-".join(filter(None, ["broken", *names, suffix]))
    request: dict[str, Any] = {"cluster": {"name": cluster}, **REQUEST}
    for name in names:
        request = FAULTS[name].asked(request, cloud)
    asked: dict[str, Any] = {}

    def note(call: Call) -> None:
        if "-DiagnoseFailureFunction-" in call.path and f'"{cluster}"' in call.body:
            asked.update(json.loads(call.body))

    disarm = [FAULTS[name].install(cloud, cluster) for name in names]
    disarm.append(cloud.server.hooks.before("lambda:Invoke", note))
    try:
        run = machine.run(request)
        assert run.status == "FAILED", f"{names} did not fail the run"
        events = published(cloud, "Storage Cluster Failed", run.arn)
        assert len(events) == 1, f"{names} was told {len(events)} times: {run.error}: {run.cause}\n{run.history[-12:]}"
        return Diagnosed(run, events[0], verdicts.row_of(cloud, asked))
    finally:
        for undo in disarm:
            undo()
        if asked:
            put_away(cloud, Request.model_validate(asked["request"]))


def put_away(cloud: EmbeddedCloud, request: Request) -> None:
    """What does not start in a cluster is tried again for as long as that is there: a hundred of them are a load."""
    cluster = clusters_of(request.account_id, request.region).get(request.cluster.name)
    if cluster is not None and cluster.status == "ACTIVE":
        take_down(cloud, cluster)


def assert_found(diagnosed: Diagnosed, *names: str) -> None:
    """The first causes are these faults', nothing else is proved, each with what was seen and what to do about what."""
    firsts, others = diagnosed.causes[: len(names)], diagnosed.causes[len(names) :]
    expected = {(FAULTS[name].expected_rule, FAULTS[name].verdict) for name in names}
    assert {(first["rule"], first["verdict"]) for first in firsts} == expected, diagnosed.event["failure"]
    assert [cause for cause in others if cause["verdict"] == "proved"] == []
    assert [cause for cause in others if cause["rule"] == "unknown"] == []
    assert "X-Amz" not in str(diagnosed.event)
    cluster = diagnosed.event["cluster"]["name"]
    for first in firsts:
        assert first["symptom"]
        if first["rule"] == "unknown":
            continue
        said = f"{first['symptom']} {first['probe']['saw']} {first['fix']}"
        assert re.search(NAMED.format(cluster=cluster), said), first
    validate("storage-cluster-failed.schema.json", diagnosed.event)


@embedded_only
@pytest.mark.parametrize("name", FAULTS)
def test_the_first_cause_is_what_was_broken_and_it_is_proved(name: str, diagnose: Diagnose) -> None:
    assert_found(diagnose(name), name)


@embedded_only
@pytest.mark.parametrize("name", FAULTS)
def test_every_probe_says_of_every_fault_what_was_found_right(name: str, diagnose: Diagnose) -> None:
    row = diagnose(name).verdicts
    if verdicts.is_to_be_written():
        verdicts.keep(name, row)
    state, fault = diagnose(name).event["failure"]["state"], FAULTS[name]
    assert verdicts.settled(row, state) == verdicts.settled(verdicts.kept()[name], state)
    looked_for = {rule.id for rule in RULES if state in rule.states}
    assert [each for each in row["proved"] if each in looked_for] == (
        [fault.expected_rule] if fault.verdict == "proved" else []
    )


def test_the_table_of_verdicts_has_a_row_for_every_fault_and_in_it_the_faults_own_rule() -> None:
    table = verdicts.kept()
    assert table.keys() == FAULTS.keys()
    for name, fault in FAULTS.items():
        assert fault.verdict == "possible" or fault.expected_rule in table[name]["proved"], name


@embedded_only
@pytest.mark.parametrize("names", DOUBLE_FAULTS, ids=" and ".join)
def test_of_two_things_that_were_broken_both_are_named(names: tuple[str, str], diagnose: Diagnose) -> None:
    assert_found(diagnose(*names), *names)


@pytest.mark.parametrize("name", WITH_A_SAY_OF_KUBERNETES)
def test_every_kind_of_kubernetes_gives_the_same_first_cause(name: str, diagnose: Diagnose) -> None:
    assert_found(diagnose(name), name)


@embedded_only
@pytest.mark.parametrize("name", ["tls-interception"])
def test_whom_tls_does_not_trust_is_not_asked_again(name: str, diagnose: Diagnose) -> None:
    run = diagnose(name).run
    assert run.error == "TerminalError"
    assert "UntrustedEndpoint: what answers at the cluster's API endpoint is not trusted: " in run.cause
    assert len(run.entered("Apply storage")) == 1
    invoked = [
        json.loads(event["taskScheduledEventDetails"]["parameters"]).get("FunctionName", "")
        for event in run.history
        if "taskScheduledEventDetails" in event
    ]
    assert len([each for each in invoked if "-ApplyStorageFunction-" in each]) == 1


@embedded_only
def test_a_diagnosis_only_looks(cloud: EmbeddedCloud, machine: Machine) -> None:
    """What the function of the state may call is for its role to say; here is what it did call."""
    called: list[str] = []
    watching = [False]

    def note(call: Call) -> None:
        if call.name == "lambda:Invoke":
            watching[0] = "-DiagnoseFailureFunction-" in call.path
        elif watching[0] and "-NotifyRole-" not in iam.caller_of(call.access_key_id, call.account_id, "aws").iam_arn:
            called.append(call.name)  # mail about the run before goes out when it does

    disarm = cloud.server.hooks.before("*", note)
    try:
        run_with(cloud, machine, ("mount-target-missing",), suffix="watched")
    finally:
        disarm()
    assert "efs:DescribeMountTargets" in called
    assert set(mutating(called)) <= {"sts:AssumeRole", "logs:CreateLogStream"}
