"""The function of state "Validate removal": the one recorded cluster that is meant, or every reason against it."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from functions.validate_removal.app import lambda_handler
from provisioner.errors import RequestError
from tests.unit.functions.records import ACCOUNT, REGION, Context, Table
from tests.unit.kubernetes.samples import a_request

FILE_SYSTEM_ID = "fs-0123456789abcdef0"
OTHER_ACCOUNT = "444455556666"


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    with mock_aws():
        yield Table(monkeypatch)


def validate(table: Table, **given: Any) -> dict[str, Any]:
    return lambda_handler({"execution_arn": table.one, "input": given}, Context())


def refusal(table: Table, **given: Any) -> str:
    with pytest.raises(RequestError) as refused:
        validate(table, **given)
    return str(refused.value)


@pytest.mark.parametrize(
    "given",
    [
        {"cluster_name": "eks-orders"},
        {"account_id": ACCOUNT},
        {"account_id": ACCOUNT, "region": REGION, "cluster_name": "eks-orders"},
    ],
)
def test_a_cluster_is_named_as_far_as_it_takes_to_find_its_record(table: Table, given: dict[str, str]) -> None:
    table.put("eks-orders")
    table.put("eks-payments", account=OTHER_ACCOUNT)
    answer = validate(table, **given)
    assert answer.pop("request")["cluster"]["name"] == "eks-orders"
    assert answer == {
        "status": "Recorded",
        "removed_at": None,
        "mode": "apply",
        "delete_data_of": None,
        "delete_logs": False,
        "reason": None,
        "file_system_id": FILE_SYSTEM_ID,
        "existing": None,
    }


def test_a_name_that_means_more_than_one_is_refused_with_all_of_them(table: Table) -> None:
    table.put("eks-orders")
    table.put("eks-orders", account=OTHER_ACCOUNT)
    message = refusal(table, cluster_name="eks-orders")
    assert f"{ACCOUNT}/{REGION}/eks-orders" in message
    assert f"{OTHER_ACCOUNT}/{REGION}/eks-orders" in message


def test_a_cluster_that_nobody_recorded_is_refused(table: Table) -> None:
    message = refusal(table, cluster_name="eks-orders", region=REGION)
    assert "no run has begun for" in message
    assert "cluster_name eks-orders" in message


@pytest.mark.parametrize("given", [{}, {"region": REGION}])
def test_neither_a_name_nor_an_account_means_no_cluster(table: Table, given: dict[str, str]) -> None:
    table.put("eks-orders")
    assert "cluster_name is missing; allowed: the name of a recorded cluster, or account_id" in refusal(table, **given)


def test_a_cluster_whose_first_run_was_stopped_can_be_removed(table: Table) -> None:
    request = a_request(cluster={"name": "eks-orders"}).model_dump_json()
    table.put("eks-orders", proven=False, request=request)
    answer = validate(table, cluster_name="eks-orders", delete_data={"file_system_id": FILE_SYSTEM_ID})
    assert (answer["file_system_id"], answer["delete_data_of"]) == (None, FILE_SYSTEM_ID)


@pytest.mark.parametrize(
    ("delete_data", "said"),
    [
        (True, "delete_data is True; allowed: an object with any of file_system_id"),
        ("true", "delete_data is 'true'; allowed: an object with any of file_system_id"),
        ({}, "delete_data.file_system_id is missing; allowed: a file system id"),
        ({"file_system_id": True}, "delete_data.file_system_id is True; allowed: a file system id"),
        ({"file_system_id": "fs-0"}, "delete_data.file_system_id is 'fs-0'; allowed: a file system id"),
        (
            {"file_system_id": "fs-0fedcba9876543210"},
            f"delete_data.file_system_id is 'fs-0fedcba9876543210'; allowed: {FILE_SYSTEM_ID}, the file system that is "
            f"recorded for {ACCOUNT}/{REGION}/eks-orders",
        ),
    ],
)
def test_data_is_given_up_by_the_recorded_id_alone(table: Table, delete_data: Any, said: str) -> None:
    table.put("eks-orders")
    assert said in refusal(table, cluster_name="eks-orders", delete_data=delete_data)


def test_every_wrong_field_is_named_in_one_message(table: Table) -> None:
    message = refusal(table, cluster="eks-orders", mode="dry", delete_logs="yes", reason="")
    for line in (
        "4 wrong fields",
        "- cluster is 'eks-orders'; allowed: only account_id, region, cluster_name",
        "- mode is 'dry'; allowed: 'apply' or 'plan'",
        "- delete_logs is 'yes'; allowed: a valid boolean",
        "- reason is ''; allowed: 1 to 500 characters, or null",
    ):
        assert line in message


def test_a_protected_cluster_is_refused_until_a_run_takes_the_protection_back(table: Table) -> None:
    request = a_request(cluster={"name": "eks-orders"}, protect=True).model_dump_json()
    table.put("eks-orders", proven=False, request=request)
    assert "'eks-orders', which is protected; allowed: a cluster whose recorded request has protect: false" in refusal(
        table, cluster_name="eks-orders"
    )


def removed(table: Table, kept: Any) -> None:
    table.put("eks-orders", removed_at="2026-09-01T00:00:00Z", kept_file_system=json.dumps(kept))


@pytest.mark.parametrize(("kept", "kept_id"), [(None, None), ({"id": FILE_SYSTEM_ID}, FILE_SYSTEM_ID)])
def test_twice_is_once(table: Table, kept: Any, kept_id: str | None) -> None:
    removed(table, kept)
    answer = validate(table, cluster_name="eks-orders")
    assert (answer["status"], answer["removed_at"]) == ("AlreadyRemoved", "2026-09-01T00:00:00Z")
    assert answer["file_system_id"] == kept_id


def test_the_data_that_a_removal_kept_can_still_be_given_up(table: Table) -> None:
    removed(table, {"id": FILE_SYSTEM_ID})
    answer = validate(table, cluster_name="eks-orders", delete_data={"file_system_id": FILE_SYSTEM_ID})
    assert (answer["status"], answer["file_system_id"]) == ("Recorded", FILE_SYSTEM_ID)
    assert "which is recorded" not in refusal(
        table, cluster_name="eks-orders", delete_data={"file_system_id": "fs-0fedcba9876543210"}
    )


def test_a_run_that_has_the_cluster_rolls_its_own_creations_back(table: Table) -> None:
    request = a_request(cluster={"name": "eks-orders"}).model_dump(mode="json")
    table.put("eks-orders", claimed_by=table.two)
    existing = {"cluster": "eks-orders"}
    asked = {"execution_arn": table.two, "request": request, "existing": existing, "may_hold_data": True}
    answer = validate(table, roll_back=asked)
    assert (answer["status"], answer["existing"], answer["request"]) == ("RollBack", existing, request)


def test_nobody_else_does(table: Table) -> None:
    table.put("eks-orders", claimed_by=table.one)
    request = a_request(cluster={"name": "eks-orders"}).model_dump(mode="json")
    message = refusal(
        table, roll_back={"execution_arn": table.two, "request": request, "existing": {}, "may_hold_data": False}
    )
    assert f"roll_back.execution_arn is '{table.two}'" in message
