"""What the proofs of a cluster measured, zone by zone, and when the last of them is told to be slower."""

import json
from collections.abc import Mapping

import pytest

from provisioner.kubernetes.evidence import SealedEvidence
from provisioner.kubernetes.measurements import KEPT, MEASURES, Proof, Spread, measurements, proof_of, recorded_with
from provisioner.kubernetes.slower import Throughput, explanation, slower
from tests.unit.kubernetes.fake_cluster import FakeCluster
from tests.unit.kubernetes.samples import FILE_SYSTEM, a_request
from tests.unit.kubernetes.test_verification import run

FOUND, _ = run(FakeCluster(), a_request())
NAMES = [each.name for each in MEASURES]


def proof(
    run_id: str, medians: Mapping[str, float], *, clock: str = "dd", zone: str = "a", file_system: str = "fs-1"
) -> Proof:
    spreads = {name: Spread(median=value, worst=value, count=1) for name, value in medians.items()}
    return Proof(run_id=run_id, at="", file_system_id=file_system, clock=clock, zones={zone: spreads})


def test_a_proof_in_numbers_has_for_each_zone_a_median_that_was_measured_and_the_worst() -> None:
    found = json.loads(json.dumps(FOUND))
    # One writer in a zone of its own, mounted after 40 seconds; by its evidence two of its calls took long.
    alone = found["writers"][0]
    alone |= {"zone": "eu-west-1b", "running": "2026-01-02T03:04:45Z"}
    alone["measured"] |= {
        "small_write": [9000, 700000, 3000, 5000, 8000],
        "small_read": [],
        "sequential_write": [500000],
    }
    told = proof_of(SealedEvidence.model_validate(found))
    assert (told.file_system_id, told.clock, told.at) == (FILE_SYSTEM, "dd", found["verified_at"])
    assert {name: (each.median, each.worst, each.count) for name, each in told.zones["eu-west-1b"].items()} == {
        "mounted_seconds": (40, 40, 1),
        "small_write_milliseconds": (8, 700, 5),
        "sequential_write_mib_per_second": (8, 8, 1),
        "sequential_read_mib_per_second": (16, 16, 1),
    }
    others = told.zones["eu-west-1a"]
    assert list(others) == NAMES
    assert others["small_read_milliseconds"] == Spread(median=5, worst=9, count=27)
    assert others["mounted_seconds"] == Spread(median=0, worst=0, count=4)


def test_the_median_of_an_even_number_is_the_lower_of_the_two_that_were_measured() -> None:
    found = json.loads(json.dumps(FOUND))
    for pod in (*found["writers"], found["reader"]):
        pod["measured"] |= {"small_read": []}
    found["reader"]["measured"]["small_read"] = [4000, 2000, 9000, 7000]
    told = proof_of(SealedEvidence.model_validate(found)).zones["eu-west-1a"]["small_read_milliseconds"]
    assert told == Spread(median=4, worst=9, count=4)


def test_the_worst_rate_is_the_least() -> None:
    found = json.loads(json.dumps(FOUND))
    for pod, microseconds in zip(found["writers"], (100_000, 400_000, 1_000_000), strict=True):
        pod["measured"]["sequential_write"] = [microseconds]
    told = proof_of(SealedEvidence.model_validate(found)).zones["eu-west-1a"]["sequential_write_mib_per_second"]
    assert told == Spread(median=10, worst=4, count=3)


def test_pods_of_evidence_from_before_are_measured_by_kubernetes_alone() -> None:
    found = json.loads(json.dumps(FOUND))
    for pod in (*found["writers"], found["appender"], found["reader"]):
        del pod["measured"]
        pod["zone"] = None
    told = proof_of(SealedEvidence.model_validate(found))
    assert (told.clock, list(told.zones)) == (None, ["zone not known"])
    assert list(told.zones["zone not known"]) == ["mounted_seconds"]


@pytest.mark.parametrize("created", ["", "yesterday", "2026-01-02T03:04:05", "2026-01-02T03:04:06Z"])
def test_a_pod_whose_times_say_nothing_is_not_counted(created: str) -> None:
    found = json.loads(json.dumps(FOUND))
    for pod in (*found["writers"], found["appender"], found["reader"]):
        pod["created"] = created
    told = proof_of(SealedEvidence.model_validate(found)).zones["eu-west-1a"]
    assert list(told) == NAMES[1:]


def test_the_record_keeps_the_last_proofs_and_each_once() -> None:
    recorded = "[]"
    for number in range(KEPT + 2):
        for _ in range(2):
            recorded = recorded_with(recorded, proof(str(number), {"mounted_seconds": number}))
    assert [each.run_id for each in measurements(recorded)] == [str(number) for number in range(2, KEPT + 2)]
    assert measurements(recorded)[-1] == proof(str(KEPT + 1), {"mounted_seconds": KEPT + 1})
    assert measurements(None) == []


def test_the_record_of_the_most_zones_and_proofs_is_small() -> None:
    zone = {name: Spread(median=1234.567, worst=1234.567, count=180) for name in NAMES}
    recorded = "[]"
    for number in range(KEPT):
        each = Proof(
            run_id=f"{number:012}",
            at="2026-01-02T03:04:05Z",
            file_system_id="fs-0123456789abcdef0",
            clock="dd-once-open",
            zones={f"ap-northeast-1{letter}": zone for letter in "abcd"},
        )
        recorded = recorded_with(recorded, each)
    # DynamoDB's item has 400 KB, a state's payload 256 KiB.
    assert len(recorded) < 25_000


@pytest.mark.parametrize(
    ("name", "usual", "now", "is_told"),
    [
        ("small_write_milliseconds", 12, 36, False),
        ("small_write_milliseconds", 12, 36.5, True),
        ("small_write_milliseconds", 2, 20, False),
        ("small_read_milliseconds", 2, 13, True),
        ("mounted_seconds", 40, 121, True),
        ("mounted_seconds", 10, 60, False),
        ("sequential_write_mib_per_second", 60, 20, False),
        ("sequential_write_mib_per_second", 60, 19, True),
        ("sequential_read_mib_per_second", 5, 1, False),
        ("sequential_read_mib_per_second", 5, 60, False),
    ],
)
def test_slower_is_by_a_factor_and_by_what_people_notice(name: str, usual: float, now: float, is_told: bool) -> None:
    # One proof that was slow, and one that was fast, make no median.
    before = [proof(each, {name: value}) for each, value in (("1", usual), ("2", usual * 50), ("3", usual / 50))]
    found = list(slower([*before, proof("last", {name: now})], None))
    assert [(each.path, each.expected, each.actual) for each in found] == (
        [(f"{name}.a", usual, now)] if is_told else []
    )
    assert {each.resource for each in found} <= {"file system fs-1"}


WRITES = {"small_write_milliseconds": 10.0}


@pytest.mark.parametrize(
    "another",
    [
        proof("3", WRITES, clock="shell"),
        proof("3", WRITES, zone="b"),
        proof("3", WRITES, file_system="fs-2"),
        proof("3", {"small_read_milliseconds": 1.0}),
    ],
    ids=["of-another-clock", "in-another-zone", "of-another-file-system", "of-another-kind"],
)
def test_two_proofs_and_one_that_cannot_be_compared_are_too_few(another: Proof) -> None:
    before, last = [proof("1", WRITES), proof("2", WRITES)], proof("last", {"small_write_milliseconds": 500.0})
    assert list(slower([*before, another, last], None)) == []
    assert len(list(slower([*before, proof("3", WRITES), last], None))) == 1


@pytest.mark.parametrize(
    ("throughput", "said"),
    [
        (None, "nobody could look"),
        (Throughput(mode="bursting", burst_credit_bytes=0, io_limit_percent=3), "burst credits are spent"),
        (Throughput(mode="bursting", burst_credit_bytes=2**41, io_limit_percent=3), "(2048 GiB) do not explain it"),
        (Throughput(mode="bursting", burst_credit_bytes=None, io_limit_percent=None), "CloudWatch knows nothing"),
        (Throughput(mode="bursting", burst_credit_bytes=0, io_limit_percent=99), "elastic has a higher limit"),
        (Throughput(mode="elastic", burst_credit_bytes=0, io_limit_percent=99), "(PercentIOLimit 99 %)"),
        (Throughput(mode="elastic", burst_credit_bytes=0, io_limit_percent=None), "mode elastic has no burst credits"),
        (Throughput(mode="provisioned", burst_credit_bytes=None, io_limit_percent=94), "mode provisioned has no burst"),
    ],
)
def test_what_explains_it_is_said(throughput: Throughput | None, said: str) -> None:
    assert said in explanation(throughput)
