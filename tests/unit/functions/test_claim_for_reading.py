"""The function of state "Claim for reading": what is asked for is checked, the recorded cluster handed out."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from functions.claim_for_reading.app import lambda_handler
from provisioner.errors import RequestError
from tests.unit.functions.records import ACCOUNT, PROVEN, REGION, Context, Table


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    with mock_aws():
        yield Table(monkeypatch)


def claim(table: Table, **given: Any) -> dict[str, Any]:
    return lambda_handler({"execution_arn": table.one, "input": given}, Context())


def test_a_recorded_cluster_comes_with_its_request_and_what_was_proven(table: Table) -> None:
    table.put("eks-orders", measured='[{"run_id": "one"}]', checks=json.dumps([{"execution": n} for n in range(30)]))
    answer = claim(table, account_id=ACCOUNT, region=REGION, cluster_name="eks-orders", depth="behaviour")
    request = answer.pop("request")
    assert answer == {
        "status": "Claimed",
        "holder": table.one,
        "account_id": ACCOUNT,
        "region": REGION,
        "cluster_name": "eks-orders",
        "depth": "behaviour",
        "remediate": False,
        "of_fleet": False,
        "proven": PROVEN,
        "measured": '[{"run_id": "one"}]',
        "checks": [{"execution": n} for n in range(1, 30)],
    }
    assert request["cluster"]["name"] == "eks-orders"
    assert table.item("eks-orders")["claimed_by"] == {"S": table.one}


def test_account_and_region_are_the_functions_own_unless_given(table: Table) -> None:
    table.put("eks-orders")
    assert claim(table, cluster_name="eks-orders")["status"] == "Claimed"


def test_a_cluster_nobody_recorded_is_told_and_gets_no_record_by_that(table: Table) -> None:
    answer = claim(table, cluster_name="eks-orders")
    assert (answer["status"], answer["request"], answer["proven"]) == ("NotRecorded", None, None)
    assert table.item("eks-orders") == {}


def test_a_cluster_that_is_worked_on_is_busy(table: Table) -> None:
    table.put("eks-orders", claimed_by=table.two)
    answer = claim(table, cluster_name="eks-orders")
    assert (answer["status"], answer["holder"], answer["request"]) == ("Busy", table.two, None)


def test_every_wrong_field_is_named_in_one_message(table: Table) -> None:
    with pytest.raises(RequestError) as refused:
        claim(table, cluster_nam="eks-orders", account_id="1", depth="deep", remediate="yes")
    message = str(refused.value)
    assert "5 wrong fields" in message
    for line in (
        "- cluster_name is missing; allowed: 1 to 100 letters",
        "- cluster_nam is 'eks-orders'; allowed: only account_id, region, cluster_name, depth, remediate, of_fleet; "
        "did you mean cluster_name?",
        "- account_id is '1'; allowed: an AWS account id",
        "- depth is 'deep'; allowed: 'configuration' or 'behaviour'",
        "- remediate is 'yes'; allowed: a valid boolean",
    ):
        assert line in message


def test_an_input_that_is_no_object_is_refused_with_what_it_may_have(table: Table) -> None:
    with pytest.raises(RequestError, match=r"the request is \[1\]; allowed: an object with any of account_id, region"):
        lambda_handler({"execution_arn": table.one, "input": [1]}, Context())
