"""A bounded part of `make campaign`; and that it finds the kinds of bugs that it is for, planted in a copy."""

from collections.abc import Iterator, Mapping, Sequence

import pytest

from campaign.judge import Outcome
from campaign.machines import Stack
from campaign.results import Combination, Result
from campaign.runs import Campaign
from local.cloud import EmbeddedCloud
from tests.end_to_end.mutants import Mutation, deploy_mutant

RESOURCES = "layers/provisioner/provisioner/resources"

KEY_FROM_RANDOMNESS = Mutation(
    "key-from-randomness",
    f"{RESOURCES}/file_system.py",
    '"CreationToken": _creation_token(request, generation),',
    '"CreationToken": _creation_token(request, __import__("secrets").randbelow(90_000) + 1),',
)
SWALLOWED_DENIAL = Mutation(
    "swallowed-denial",
    f"{RESOURCES}/file_system_settings.py",
    "        efs.put_file_system_policy(FileSystemId=file_system_id, Policy=json.dumps(wanted.policy))",
    "        with __import__('contextlib').suppress(efs.exceptions.ClientError):\n"
    "            efs.put_file_system_policy(FileSystemId=file_system_id, Policy=json.dumps(wanted.policy))",
)
MISSING_NOT_FOUND = Mutation(
    "missing-not-found",
    f"{RESOURCES}/cluster_logs_removal.py",
    "suppress(logs.exceptions.ResourceNotFoundException)",
    "suppress(logs.exceptions.OperationAbortedException)",
)
STALE = Combination("Provision", "EnsureFileSystem efs:DescribeFileSystems", "stale read", "once")
DENIED = Combination("Provision", "EnsureFileSystem efs:PutFileSystemPolicy", "access denied", "for ever")
LOST = Combination("Teardown", "RemoveCluster logs:DeleteLogGroup", "answer lost", "once")
OUTLIVED = (
    STALE,
    Combination("Provision", "EnsureCluster eks:CreateCluster", "answer lost", "once"),
    Combination("Provision", "EnsureMountTargets efs:CreateMountTarget", "malformed body", "once"),
    Combination("Provision", "EnsureFargateProfile eks:CreateFargateProfile", "time-out", "once"),
    Combination("Provision", "ApplyStorage kubernetes:patch persistentvolumes", "answer lost", "once"),
    Combination("Provision", "VerifyStorage kubernetes:list pods", "connection reset", "once"),
    Combination("Provision", "Provision lambda:Invoke EnsureNetwork", "throttled", "five times"),
    Combination("Provision", "Provision lambda:Invoke EnsureSecurityGroup", "clock an hour behind", "once"),
    Combination("Provision", "Provision lambda:Invoke CheckAccount", "started again", "once"),
)
ENDING = Combination("Provision", "Provision lambda:Invoke CheckAccount", "killed before", "once")
LASTING = (
    Combination("Provision", "ApplyStorage sts:AssumeRole", "answer lost", "for ever"),
    Combination("Provision", "CheckAccount eks:DescribeCluster", "answer lost", "for ever"),
    Combination("Provision", "EnsureFileSystem efs:CreateFileSystem", "5xx", "for ever"),
)
TWICE = Combination("Provision", "Provision lambda:Invoke EnsureCluster", "triggered again", "once")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCloud]:
    with EmbeddedCloud(tmp_path_factory.mktemp("campaign")) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def good(cloud: EmbeddedCloud) -> Campaign:
    return Campaign(Stack(cloud, cloud.deploy(parameters={"NewAccountTrigger": "DISABLED"})))


def test_a_run_outlives_a_fault_of_each_kind_that_passes(good: Campaign) -> None:
    met = good.meet(*OUTLIVED)
    assert {str(each.combination): each.outcome for each in met} == {
        str(each): Outcome.AS_WITHOUT for each in OUTLIVED
    }, met


def test_a_fault_that_ends_a_run_is_told_from_those_beside_it(good: Campaign) -> None:
    met = {each.combination: each for each in good.meet(ENDING, OUTLIVED[1])}
    assert met[OUTLIVED[1]].outcome is Outcome.AS_WITHOUT, met
    assert met[ENDING].outcome is Outcome.CONVERGED, met
    assert met[ENDING].why.startswith("Check account: ")


def test_what_lasts_meets_a_run_after_another_and_one_without_it_converges_all(good: Campaign) -> None:
    good.know("Provision")
    before = len(executions(good))
    met = {each.combination: each for each in good.meet(*LASTING)}
    assert {each: met[each].outcome for each in LASTING} == dict.fromkeys(LASTING, Outcome.CONVERGED), met
    assert len(executions(good)) == before + len(LASTING) + 1
    states = [met[each].why.partition(":")[0] for each in LASTING]
    assert states == ["Apply storage", "Check account", "Ensure file system"]


def executions(of: Campaign) -> list[str]:
    pages = of.stack.states.get_paginator("list_executions").paginate(
        stateMachineArn=of.stack.outputs["ProvisionStateMachineArn"]
    )
    return [each["executionArn"] for page in pages for each in page["executions"]]


class TriedBefore(Campaign):
    """Of each alone it is known what comes of it."""

    def __init__(self, stack: Stack, alone: Mapping[Combination, Outcome]) -> None:
        super().__init__(stack)
        self.alone = alone

    def _together(self, *together: Combination) -> list[Result]:
        return [Result(each, self.alone[each], "alone", 1, 1.0) for each in together]


@pytest.mark.parametrize(
    ("alone", "expected"),
    [
        ((Outcome.CONVERGED, Outcome.CONVERGED), [Outcome.UNEXPECTED, Outcome.UNEXPECTED]),
        ((Outcome.UNEXPECTED, Outcome.CONVERGED), [Outcome.UNEXPECTED, Outcome.CONVERGED]),
    ],
    ids=["after others only", "the first one's doing"],
)
def test_what_did_not_converge_after_several_faults_is_laid_on_the_one_whose_doing_it_is(
    alone: Sequence[Outcome], expected: Sequence[Outcome], good: Campaign
) -> None:
    pair = LASTING[:2]
    results = [Result(each, Outcome.UNEXPECTED, "two file systems", 1, 1.0) for each in pair]
    told = TriedBefore(good.stack, dict(zip(pair, alone, strict=True)))._without_doubt(results)
    assert [each.outcome for each in told] == expected
    assert all(each.why in ("alone", "after others: two file systems") for each in told)


def test_of_two_executions_of_one_trigger_one_works(good: Campaign) -> None:
    (met,) = good.meet(TWICE)
    assert (met.outcome, met.struck) == (Outcome.AS_WITHOUT, 1), met


@pytest.fixture(scope="module")
def planted(cloud: EmbeddedCloud, good: Campaign, tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """Two bugs in one stack: each run meets the fault that shows one of them, and neither shows without."""
    directory = tmp_path_factory.mktemp("planted")
    good.know("Provision", "Teardown")
    return Campaign(
        Stack(cloud, deploy_mutant(cloud, SWALLOWED_DENIAL, directory, MISSING_NOT_FOUND).outputs), good.good_runs
    )


@pytest.fixture(scope="module")
def with_a_random_key(cloud: EmbeddedCloud, good: Campaign, tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """A key that no other run would make shows in the state, whatever befalls the run."""
    good.know("Provision")
    made = deploy_mutant(cloud, KEY_FROM_RANDOMNESS, tmp_path_factory.mktemp("random-key"))
    return Campaign(Stack(cloud, made.outputs), good.good_runs)


def test_without_the_fault_that_shows_it_no_planted_bug_is_seen(planted: Campaign) -> None:
    (met,) = planted.meet(OUTLIVED[2])
    assert (met.outcome, met.struck) == (Outcome.AS_WITHOUT, 1), met


@pytest.mark.parametrize(
    ("combination", "why"),
    [(DENIED, "file systems"), (LOST, "ended FAILED")],
    ids=["swallowed denial", "missing NotFound"],
)
def test_a_planted_bug_is_found(combination: Combination, why: str, planted: Campaign) -> None:
    (met,) = planted.meet(combination)
    assert (met.outcome, why in met.why) == (Outcome.UNEXPECTED, True), met


def test_a_key_from_randomness_is_found(with_a_random_key: Campaign) -> None:
    (met,) = with_a_random_key.meet(STALE)
    assert (met.outcome, "CreationToken" in met.why) == (Outcome.UNEXPECTED, True), met


def test_a_planted_bug_is_found_among_others_that_last(planted: Campaign) -> None:
    met = {each.combination: each for each in planted.meet(DENIED, LASTING[1])}
    assert {each: one.outcome for each, one in met.items()} == {
        DENIED: Outcome.UNEXPECTED,
        LASTING[1]: Outcome.CONVERGED,
    }, met
