"""The function of state "List clusters": the proven clusters nobody works on, in a file; the others counted."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from functions.list_clusters.app import lambda_handler
from provisioner.errors import RequestError
from tests.unit.functions.records import ACCOUNT, BUCKET, REGION, Context, Table

EXECUTION = "arn:aws:states:eu-west-1:111122223333:execution:fleet:run-1"


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    with mock_aws():
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket=BUCKET)
        yield Table(monkeypatch)


def listed(given: Any) -> dict[str, Any]:
    return lambda_handler({"execution_arn": EXECUTION, "input": given}, Context())


def items(answer: dict[str, Any]) -> list[dict[str, Any]]:
    place = answer["items"]
    body = boto3.client("s3").get_object(Bucket=place["bucket"], Key=place["key"])["Body"].read()
    found: list[dict[str, Any]] = json.loads(body)
    return sorted(found, key=lambda each: str(each["cluster_name"]))


def test_proven_clusters_that_nobody_works_on_are_written_and_the_others_counted(table: Table) -> None:
    for name in ("a", "b"):
        table.put(name)
    table.put("stale", claimed_by=table.one)
    table.states.stop_execution(executionArn=table.one)
    table.put("busy", claimed_by=table.two)
    table.put("first-run", proven=False, claimed_by=table.two)
    table.put("failed", proven=False)
    table.put("removed", proven=False, removed_at="2026-08-29T00:00:00Z")
    answer = listed({"depth": "behaviour", "remediate": True})
    assert {name: answer[name] for name in ("listed", "busy", "never_proven", "depth")} == {
        "listed": 3,
        "busy": 2,
        "never_proven": 1,
        "depth": "behaviour",
    }
    assert answer["items"]["key"] == "fleet/run-1/clusters.json"
    assert items(answer) == [
        {
            "account_id": ACCOUNT,
            "region": REGION,
            "cluster_name": name,
            "depth": "behaviour",
            "remediate": True,
            "of_fleet": True,
        }
        for name in ("a", "b", "stale")
    ]


def test_every_page_of_the_table_is_read(table: Table) -> None:
    for number in range(60):
        table.dynamodb.put_item(
            TableName="claims",
            Item={
                "cluster": {"S": f"{ACCOUNT}#{REGION}#c{number}"},
                "verified_at": {"S": "2026-08-29"},
                "request": {"S": "x" * 40_000},
            },
        )
    assert listed({})["listed"] == 60


@pytest.mark.parametrize(
    ("environment", "given", "depth", "remediate", "find"),
    [
        ({}, {}, "configuration", False, False),
        ({"REMEDIATE": "true", "ENROLLED_UNITS": "ou-ab12-11111111"}, {}, "configuration", True, True),
        ({"REMEDIATE": "true"}, {"remediate": False}, "configuration", False, False),
        ({"ENROLLED_UNITS": "ou-ab12-11111111"}, {"find_new_accounts": False}, "configuration", False, False),
    ],
)
def test_what_the_input_leaves_out_comes_from_the_stack(
    table: Table,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    given: Any,
    depth: str,
    remediate: bool,
    find: bool,
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    table.put("a")
    answer = listed(given)
    assert (answer["depth"], answer["find_new_accounts"]) == (depth, find)
    assert items(answer)[0]["remediate"] is remediate


def test_an_unknown_field_is_refused(table: Table) -> None:
    with pytest.raises(RequestError, match="depht is 'behaviour'; allowed: only depth, remediate, find_new_accounts"):
        listed({"depht": "behaviour"})
