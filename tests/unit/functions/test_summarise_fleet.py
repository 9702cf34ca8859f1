"""The function of state "Summarise fleet": counts, and who has to be looked at, from the results of the map."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from functions.summarise_fleet.app import lambda_handler
from tests.unit.functions.records import ACCOUNT, BUCKET, REGION, Context, Table

LISTED = {"listed": 5, "busy": 2, "never_proven": 1}


@pytest.fixture(autouse=True)
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with mock_aws():
        Table(monkeypatch)
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket=BUCKET)
        yield


def outcome(name: str, status: str, **more: Any) -> dict[str, Any]:
    place = {"account_id": ACCOUNT, "region": REGION, "cluster_name": name}
    return {**place, "status": status, "differences": 0, "repaired": 0, "execution_arn": None, "cause": None, **more}


def results(*files: list[dict[str, Any]]) -> dict[str, str]:
    """As ResultWriter leaves them."""
    s3 = boto3.client("s3")
    keys = [f"fleet/results/run/SUCCEEDED_{number}.json" for number in range(len(files))]
    for key, outcomes in zip(keys, files, strict=True):
        executions = [{"Status": "SUCCEEDED", "Output": json.dumps(each)} for each in outcomes]
        s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(executions).encode())
    written = [{"Key": key, "Size": 1} for key in keys]
    manifest = {"DestinationBucket": BUCKET, "ResultFiles": {"FAILED": [], "PENDING": [], "SUCCEEDED": written}}
    s3.put_object(Bucket=BUCKET, Key="fleet/results/run/manifest.json", Body=json.dumps(manifest).encode())
    return {"Bucket": BUCKET, "Key": "fleet/results/run/manifest.json"}


def summarised(place: dict[str, str] | None) -> dict[str, Any]:
    return lambda_handler({"execution_arn": "x", "listed": LISTED, "results": place}, Context())


def test_outcomes_of_all_files_are_counted_with_those_left_out_before() -> None:
    place = results(
        [outcome("a", "Verified"), outcome("b", "Drifted", differences=2), outcome("c", "NotRepaired")],
        [outcome("d", "Unreachable"), outcome("e", "Failed"), outcome("f", "States.Timeout"), outcome("g", "Busy")],
    )
    assert summarised(place)["counts"] == {
        "verified": 1,
        "drifted": 2,
        "failed": 1,
        "unreachable": 2,
        "busy": 3,
        "never_proven": 1,
    }


def test_only_who_needs_somebody_is_named_with_the_cause_cut() -> None:
    place = results([outcome("b", "Unreachable", cause="x" * 1000), outcome("a", "Drifted"), outcome("c", "Verified")])
    attention = summarised(place)["attention"]
    assert [each["cluster_name"] for each in attention] == ["a", "b"]
    assert [each["cause"] for each in attention] == [None, "x" * 300]


def test_a_fleet_in_flames_still_fits_an_event() -> None:
    summary = summarised(results([outcome(f"cluster-{n}", "Unreachable", cause="x" * 1000) for n in range(1000)]))
    assert (len(summary["attention"]), summary["attention_left_out"]) == (200, 800)
    assert len(json.dumps(summary)) < 200_000


def test_a_fleet_without_a_cluster_to_check_has_a_summary_too() -> None:
    assert summarised(None)["counts"] == {
        "verified": 0,
        "drifted": 0,
        "failed": 0,
        "unreachable": 0,
        "busy": 2,
        "never_proven": 1,
    }


def test_versions_that_leave_standard_support_within_sixty_days_are_named_the_most_urgent_first() -> None:
    def supported(name: str, days: int, policy: str = "STANDARD") -> dict[str, Any]:
        until = (datetime.now(UTC).date() + timedelta(days=days)).isoformat()
        support = {"version": "1.34", "upgrade_policy": policy, "is_extended": days < 0, "standard_until": until}
        return outcome(name, "Verified", support=support)

    place = results(
        [supported("next year", 300), supported("soon", 50), supported("gone", -5, "EXTENDED"), outcome("x", "Busy")],
        [outcome("undated", "Verified", support={**supported("y", 0)["support"], "standard_until": None})],
    )
    summary = summarised(place)
    leaving = summary["leaving_support"]
    assert [(each["cluster_name"], each["upgrade_policy"]) for each in leaving] == [
        ("gone", "EXTENDED"),
        ("soon", "STANDARD"),
    ]
    assert [each["days_left"] for each in leaving] in ([-5, 50], [-6, 49])  # a day may end in between
    assert (summary["attention"], summary["leaving_support_left_out"]) == ([], 0)


def test_each_count_is_a_metric(capsys: pytest.CaptureFixture[str]) -> None:
    summarised(results([outcome("a", "Verified")]))
    (sent,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    assert (sent["ClustersVerified"], sent["ClustersBusy"], sent["ClustersNeverProven"]) == ([1.0], [2.0], [1.0])
