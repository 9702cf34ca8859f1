"""The function of state "Verify storage"."""

import json
from typing import Any

import pytest

from functions.verify_storage import app
from provisioner.errors import TerminalError
from provisioner.kubernetes import evidence
from provisioner.kubernetes.measurements import measurements
from tests.unit.kubernetes.fake_cluster import FakeCluster
from tests.unit.kubernetes.handler_seam import Context, connect
from tests.unit.kubernetes.samples import FILE_SYSTEM, NO_ACCESS_POINT, a_request

ARN = "arn:aws:states:eu-west-1:111122223333:execution:provision:one"


def event(
    progress: Any, *, execution_arn: str = ARN, measured: str = "[]", throughput: Any = None, **verification: Any
) -> dict[str, Any]:
    return {
        "execution_arn": execution_arn,
        "request": a_request(verification=verification).model_dump(mode="json"),
        "file_system_id": FILE_SYSTEM,
        "access_point_ids": NO_ACCESS_POINT,
        "measured": measured,
        "throughput": throughput,
        "progress": progress,
    }


def until_ready(cluster: FakeCluster, **arguments: Any) -> dict[str, Any]:
    progress = None
    for _ in range(500):
        payload = json.loads(json.dumps(app.lambda_handler(event(progress, **arguments), Context())))
        if payload["ready"]:
            return dict(payload)
        assert "evidence" not in payload
        # Nothing is waited for where only the progress is to be kept.
        assert payload["retry_after_seconds"] > 0 or payload["reason"] in ("WritersTerminating", "CleaningUp")
        progress = payload["progress"]
        cluster.tick()
    raise AssertionError("never ready")


def test_calls_made_with_the_progress_of_the_last_one_end_in_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = FakeCluster()
    connect(monkeypatch, app, cluster)
    payload = until_ready(cluster, writers=2, lines_per_writer=3)
    found = payload["evidence"]
    assert found["file_system_id"] == FILE_SYSTEM
    assert [writer["files"][0]["lines"] for writer in found["writers"]] == [3, 3]
    assert found["sha256"] == evidence.digest(found)
    assert found["verified_at"].startswith("20")


def test_two_executions_have_nothing_in_common(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = FakeCluster()
    connect(monkeypatch, app, cluster)
    one = until_ready(cluster)["evidence"]
    other = until_ready(cluster, execution_arn=ARN + "-again")["evidence"]
    assert one["run_id"] != other["run_id"]
    assert one["nonce"] != other["nonce"]
    assert not {each["files"][0]["sha256"] for each in one["writers"]} & {
        each["files"][0]["sha256"] for each in other["writers"]
    }


def test_a_proof_after_faster_ones_is_proven_and_told_to_be_slower_with_what_explains_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = FakeCluster()
    connect(monkeypatch, app, cluster)
    (first,) = measurements(until_ready(cluster)["measured"])
    fast = {"median": 64.0, "worst": 60.0, "count": 3}
    earlier = [
        {**first.model_dump(mode="json"), "run_id": f"earlier-{number}"}
        | {"zones": {"eu-west-1a": {"sequential_write_mib_per_second": fast}}}
        for number in range(3)
    ]
    spent = {"mode": "bursting", "burst_credit_bytes": 0, "io_limit_percent": 7}
    payload = until_ready(cluster, measured=json.dumps(earlier), throughput=spent)
    assert payload["evidence"]["reader"]["measured"]["sequential_read"] == [250000]
    (told,) = payload["slower"]
    assert (told["path"], told["expected"], told["actual"]) == (
        "sequential_write_mib_per_second.eu-west-1a",
        64.0,
        16.0,
    )
    assert (told["severity"], told["repairable"]) == ("information", False)
    assert "its burst credits are spent (BurstCreditBalance 0 MiB)" in told["fix"]
    assert [each.run_id for each in measurements(payload["measured"])][:3] == ["earlier-0", "earlier-1", "earlier-2"]
    assert len(measurements(payload["measured"])) == 4


def test_a_mount_that_never_succeeds_leaves_as_a_terminal_error(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = FakeCluster(refused_mount="mount.nfs4: Connection timed out")
    connect(monkeypatch, app, cluster)
    with pytest.raises(TerminalError, match=r"VerificationFailed.*FailedMount: mount\.nfs4: Connection timed out"):
        until_ready(cluster, timeout_seconds=60)
