"""The claim: one execution at a time per cluster, on a DynamoDB table that behaves (moto)."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from provisioner.claim import Claim, ClaimsTable, Why
from provisioner.errors import ErrorReason, RetryableError
from provisioner.request import Request

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOW = datetime(2026, 8, 30, 12, tzinfo=UTC)
CLUSTER = "111122223333#us-east-1#eks-example"
REQUEST = Request(account_id="111122223333", region="us-east-1")
MINE, THEIRS, THIRD = (f"arn:aws:states:us-east-1:111122223333:execution:provision:{name}" for name in "abc")


class Executions:
    """Step Functions as far as a claim sees it; `during` runs when it is asked, to let somebody else act meanwhile."""

    def __init__(self) -> None:
        self.client = boto3.client("stepfunctions", region_name="us-east-1")
        self.exceptions = self.client.exceptions
        self.statuses: dict[str, str] = {}
        self.during: Any = lambda: None

    def describe_execution(self, *, executionArn: str) -> dict[str, str]:  # noqa: N803 (boto3's name)
        self.during()
        if executionArn not in self.statuses:
            with Stubber(self.client) as stub:
                stub.add_client_error("describe_execution", "ExecutionDoesNotExist")
                self.client.describe_execution(executionArn=executionArn)
        return {"status": self.statuses[executionArn]}


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> "Iterator[DynamoDBClient]":
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        client.create_table(
            TableName="claims",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "cluster", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "cluster", "KeyType": "HASH"}],
        )
        yield client


@pytest.fixture
def executions() -> Executions:
    return Executions()


@pytest.fixture
def table(dynamodb: "DynamoDBClient", executions: Executions) -> ClaimsTable:
    return ClaimsTable("claims", dynamodb, executions)  # type: ignore[arg-type]


def outcome(claim: Claim) -> tuple[str, str | None]:
    return claim.status, claim.holder


def item(table: ClaimsTable) -> dict[str, str]:
    found = table.dynamodb.get_item(TableName="claims", Key={"cluster": {"S": CLUSTER}}).get("Item", {})
    return {name: str(value["S"]) for name, value in found.items()}


def release(table: ClaimsTable, execution_arn: str) -> None:
    """As the state machine does it."""
    table.dynamodb.update_item(
        TableName="claims",
        Key={"cluster": {"S": CLUSTER}},
        UpdateExpression="SET #status = :status REMOVE claimed_by, claimed_at, claimed_for",
        ConditionExpression="claimed_by = :execution",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":status": {"S": "Ready"}, ":execution": {"S": execution_arn}},
    )


def test_a_cluster_nobody_has_is_claimed(table: ClaimsTable) -> None:
    assert table.claim(REQUEST, MINE, NOW).payload() == {
        "status": "claimed",
        "holder": MINE,
        "retry_after_seconds": 20,
        "measured": "[]",
    }
    assert item(table) == {
        "cluster": CLUSTER,
        "claimed_by": MINE,
        "claimed_at": "2026-08-30T12:00:00+00:00",
        "claimed_for": "changing",
        "asked": REQUEST.digest,
        "request": REQUEST.model_dump_json(),
    }


def test_what_is_being_made_is_recorded_before_it_is_made(table: ClaimsTable) -> None:
    """A run that is stopped may have made any of it, and a removal has to know what to look for."""
    table.claim(REQUEST, MINE, NOW)
    release(table, MINE)
    other = Request(account_id="111122223333", region="us-east-1", protect=True)
    table.claim(other, THEIRS, NOW)
    assert item(table)["request"] == other.model_dump_json()


def removed(table: ClaimsTable) -> None:
    table.dynamodb.put_item(
        TableName="claims",
        Item={"cluster": {"S": CLUSTER}, "removed_at": {"S": "2026-08-29"}, "kept_file_system": {"S": "null"}},
    )


def test_no_event_brings_a_removed_cluster_back(table: ClaimsTable) -> None:
    removed(table)
    before = item(table)
    assert outcome(table.claim(REQUEST, MINE, NOW, why="account_event")) == ("removed", None)
    assert item(table) == before


def test_who_removes_a_cluster_keeps_its_record_and_is_not_taken_for_who_makes_it(
    table: ClaimsTable, executions: Executions
) -> None:
    removed(table)
    before = item(table)
    assert outcome(table.claim(REQUEST, THEIRS, NOW, why="removal")) == ("claimed", THEIRS)
    assert before.items() < item(table).items()
    executions.statuses[THEIRS] = "RUNNING"
    assert outcome(table.claim(REQUEST, MINE, NOW)) == ("being_removed", THEIRS)


def test_a_person_brings_it_back_and_from_then_on_it_is_no_longer_removed(table: ClaimsTable) -> None:
    removed(table)
    assert outcome(table.claim(REQUEST, MINE, NOW)) == ("claimed", MINE)
    assert not {"removed_at", "kept_file_system"} & item(table).keys()


def test_claiming_again_what_is_ours_changes_nothing(table: ClaimsTable) -> None:
    table.claim(REQUEST, MINE, NOW)
    before = item(table)
    assert outcome(table.claim(REQUEST, MINE, NOW + timedelta(hours=1))) == ("claimed", MINE)
    assert item(table) == before


@pytest.mark.parametrize("status", ["RUNNING", "PENDING_REDRIVE"])
def test_a_cluster_with_a_running_execution_is_busy(table: ClaimsTable, executions: Executions, status: str) -> None:
    table.claim(REQUEST, THEIRS, NOW)
    executions.statuses[THEIRS] = status
    before = item(table)
    assert outcome(table.claim(REQUEST, MINE, NOW + timedelta(hours=9))) == ("busy", THEIRS)
    assert item(table) == before


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"])
def test_the_claim_of_an_execution_that_ended_is_taken_over(
    table: ClaimsTable, executions: Executions, status: str
) -> None:
    table.claim(REQUEST, THEIRS, NOW)
    executions.statuses[THEIRS] = status
    assert outcome(table.claim(REQUEST, MINE, NOW + timedelta(minutes=5))) == ("claimed", MINE)
    assert item(table)["claimed_by"] == MINE
    assert item(table)["claimed_at"] == "2026-08-30T12:05:00+00:00"


def test_the_claim_of_an_execution_long_forgotten_is_taken_over(table: ClaimsTable) -> None:
    table.claim(REQUEST, THEIRS, NOW)
    assert outcome(table.claim(REQUEST, MINE, NOW + timedelta(days=100))) == ("claimed", MINE)


def test_an_execution_too_young_to_be_known_keeps_its_claim(table: ClaimsTable) -> None:
    table.claim(REQUEST, THEIRS, NOW)
    assert outcome(table.claim(REQUEST, MINE, NOW + timedelta(seconds=59))) == ("busy", THEIRS)
    assert outcome(table.claim(REQUEST, MINE, NOW + timedelta(seconds=61))) == ("claimed", MINE)


def test_of_two_take_overs_only_one_wins(table: ClaimsTable, executions: Executions) -> None:
    table.claim(REQUEST, THEIRS, NOW)
    executions.statuses[THEIRS] = "ABORTED"

    def third_is_faster() -> None:
        executions.during = lambda: None
        assert outcome(table.claim(REQUEST, THIRD, NOW)) == ("claimed", THIRD)

    executions.during = third_is_faster
    assert outcome(table.claim(REQUEST, MINE, NOW)) == ("busy", THIRD)
    assert item(table)["claimed_by"] == THIRD


def test_a_claim_released_during_the_take_over_is_tried_again(table: ClaimsTable, executions: Executions) -> None:
    table.claim(REQUEST, THEIRS, NOW)
    executions.statuses[THEIRS] = "SUCCEEDED"
    executions.during = lambda: release(table, THEIRS)
    with pytest.raises(RetryableError) as caught:
        table.claim(REQUEST, MINE, NOW)
    assert caught.value.reason is ErrorReason.CONFLICT
    executions.during = lambda: None
    assert outcome(table.claim(REQUEST, MINE, NOW)) == ("claimed", MINE)


def test_claiming_and_taking_over_keep_the_record_of_the_last_run(table: ClaimsTable, executions: Executions) -> None:
    table.claim(REQUEST, THEIRS, NOW)
    release(table, THEIRS)
    asked = {"asked": REQUEST.digest, "request": REQUEST.model_dump_json()}
    assert item(table) == {"cluster": CLUSTER, "status": "Ready", **asked}
    table.claim(REQUEST, THEIRS, NOW)
    executions.statuses[THEIRS] = "TIMED_OUT"
    table.claim(REQUEST, MINE, NOW)
    assert item(table)["status"] == "Ready"


def test_clusters_are_claimed_independently(table: ClaimsTable) -> None:
    table.claim(REQUEST, THEIRS, NOW)
    assert outcome(table.claim(Request(account_id="111122223333", region="eu-west-1"), MINE, NOW)) == ("claimed", MINE)


def test_a_throttled_table_is_retryable(table: ClaimsTable) -> None:
    with Stubber(table.dynamodb) as stub:
        stub.add_client_error("update_item", "ThrottlingException", http_status_code=400)
        with pytest.raises(RetryableError) as caught:
            table.claim(REQUEST, MINE, NOW)
    assert caught.value.reason is ErrorReason.THROTTLED


def proven(table: ClaimsTable) -> None:
    """A record as the provision machine writes it."""
    table.dynamodb.put_item(
        TableName="claims", Item={"cluster": {"S": CLUSTER}, "verified_at": {"S": "2026-08-29"}, "proven": {"S": "{}"}}
    )


def test_a_proven_cluster_is_claimed_for_reading_with_its_record(table: ClaimsTable) -> None:
    proven(table)
    claim = table.claim_for_reading(CLUSTER, MINE, NOW)
    assert outcome(claim) == ("claimed", MINE)
    assert claim.record["proven"] == {"S": "{}"}
    assert item(table)["claimed_for"] == "reading"


@pytest.mark.parametrize("attempted", [False, True])
def test_a_cluster_that_was_never_proven_is_not_claimed_for_reading_and_nothing_is_written(
    table: ClaimsTable, attempted: bool
) -> None:
    if attempted:
        table.claim(REQUEST, THEIRS, NOW)
        release(table, THEIRS)
    before = item(table)
    assert outcome(table.claim_for_reading(CLUSTER, MINE, NOW)) == ("not_recorded", None)
    assert item(table) == before


def test_a_cluster_whose_first_provisioning_runs_is_busy_for_readers(
    table: ClaimsTable, executions: Executions
) -> None:
    table.claim(REQUEST, THEIRS, NOW)
    executions.statuses[THEIRS] = "RUNNING"
    assert outcome(table.claim_for_reading(CLUSTER, MINE, NOW)) == ("busy", THEIRS)


def test_a_cluster_that_is_being_changed_is_not_read(table: ClaimsTable, executions: Executions) -> None:
    proven(table)
    table.claim(REQUEST, THEIRS, NOW)
    executions.statuses[THEIRS] = "RUNNING"
    assert outcome(table.claim_for_reading(CLUSTER, MINE, NOW)) == ("busy", THEIRS)


def test_a_cluster_that_is_being_read_is_not_changed_and_whoever_wants_to_knows_that_waiting_helps(
    table: ClaimsTable, executions: Executions
) -> None:
    proven(table)
    table.claim_for_reading(CLUSTER, THEIRS, NOW)
    executions.statuses[THEIRS] = "RUNNING"
    assert outcome(table.claim(REQUEST, MINE, NOW)) == ("being_read", THEIRS)
    assert item(table)["claimed_by"] == THEIRS


def test_a_stopped_readers_claim_is_taken_over_for_changing(table: ClaimsTable, executions: Executions) -> None:
    proven(table)
    table.claim_for_reading(CLUSTER, THEIRS, NOW)
    executions.statuses[THEIRS] = "ABORTED"
    assert outcome(table.claim(REQUEST, MINE, NOW)) == ("claimed", MINE)
    assert item(table)["claimed_for"] == "changing"


UNIT = Request(account_id="111122223333", region="us-east-1", organizational_unit_id="ou-ab12-l3zc8b3h")
OF_THE_UNIT = UNIT.model_copy(update={"tags": {"unit": "workloads"}})


def test_an_accounts_event_waits_for_a_run_that_does_not_know_its_units_defaults(
    table: ClaimsTable, executions: Executions
) -> None:
    table.claim(REQUEST, THEIRS, NOW, why="account_event")
    executions.statuses[THEIRS] = "RUNNING"
    waiting = table.claim(OF_THE_UNIT, MINE, NOW, why="account_event")
    told = waiting.payload()
    assert (told["status"], told["holder"], told["retry_after_seconds"]) == ("asked_otherwise", THEIRS, 60)


@pytest.mark.parametrize(
    ("request_", "why"),
    [(UNIT, "account_event"), (REQUEST, "account_event"), (OF_THE_UNIT, "request")],
    ids=["the unit's defaults change nothing", "no unit", "a person"],
)
def test_nobody_else_waits_for_a_run(table: ClaimsTable, executions: Executions, request_: Request, why: Why) -> None:
    table.claim(REQUEST, THEIRS, NOW, why="account_event")
    executions.statuses[THEIRS] = "RUNNING"
    assert outcome(table.claim(request_, MINE, NOW, why=why)) == ("busy", THEIRS)


def test_the_item_says_what_is_asked_for_by_whose_event_and_with_which_units_defaults(table: ClaimsTable) -> None:
    table.claim(OF_THE_UNIT, MINE, NOW, why="account_event")
    told = {"asked": OF_THE_UNIT.digest, "organizational_unit_id": "ou-ab12-l3zc8b3h", "for_account_event": "true"}
    assert told.items() <= item(table).items()
