"""One execution at a time works on a cluster.

The table has one item per cluster: the claim (`claimed_by`, `claimed_at`, `claimed_for`, and by what request: `asked`,
`organizational_unit_id`, and `for_account_event` once an account's event asked for it) beside the record of the last
run and of the last check, with how the latest checks ended (`checks`) and what the latest proofs measured (`measured`),
or of its removal (`removed_at`); the state machines write it. What is being made is recorded before it is made
(`request`): a run that is stopped may have made any of it. The state machines also release the claim; an execution that
was stopped cannot, so a claim whose execution no longer runs is taken over.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from botocore.exceptions import ClientError

from provisioner.aws.errors import boundary_error
from provisioner.errors import ErrorReason, RetryableError
from provisioner.request import Request

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_stepfunctions import SFNClient

# DescribeExecution is eventually consistent: an execution it does not know may have begun a moment ago.
_UNKNOWN_EXECUTION_GRACE: Final = timedelta(seconds=60)
# A check of the configuration takes seconds, one of the behaviour minutes; a run a quarter of an hour.
_READING_RETRY_SECONDS: Final = 20
_CHANGING_RETRY_SECONDS: Final = 60

Item = Mapping[str, Any]
Purpose = Literal["changing", "reading", "removing"]
Why = Literal["request", "account_event", "removal"]
"""Whose wish it is: somebody asked for the cluster, an event told of its account, or somebody wants it gone."""


@dataclass(frozen=True)
class Claim:
    """`holder` is the execution that has the cluster now: the claimer's own when claimed, none when not recorded.

    Worth waiting for are `being_read`, a re-verification that is over soon, and `asked_otherwise`, a run that does not
    know the defaults of the unit of an event's account; `busy` and `being_removed` are not. No event brings a `removed`
    cluster back. `record` is the item of a claimed cluster.
    """

    status: Literal["claimed", "busy", "being_read", "being_removed", "asked_otherwise", "not_recorded", "removed"]
    holder: str | None
    record: Item = field(default_factory=dict)

    @property
    def measured(self) -> str:
        """What earlier proofs measured, as provisioner.kubernetes.measurements has it."""
        return _text_of(self.record, "measured") or "[]"

    def payload(self) -> dict[str, Any]:
        seconds = _CHANGING_RETRY_SECONDS if self.status == "asked_otherwise" else _READING_RETRY_SECONDS
        return {"status": self.status, "holder": self.holder, "retry_after_seconds": seconds, "measured": self.measured}


@dataclass(frozen=True)
class ClaimsTable:
    name: str
    dynamodb: "DynamoDBClient"
    states: "SFNClient"

    def claim(self, request: Request, execution_arn: str, now: datetime, *, why: Why = "request") -> Claim:
        """Converge to `execution_arn` holding the cluster for changing it, unless an execution that runs holds it.

        Idempotency key: `execution_arn`; claiming again what is ours changes nothing.
        Raises: RetryableError Conflict when the claim changed hands twice meanwhile; what `boundary_error` makes of
        a refused call.
        Source: DynamoDB developer guide, "Condition expressions"; Step Functions API, DescribeExecution.
        """
        if why == "removal":
            return self._claim(_Claimer(request.claim_key, execution_arn, now, "removing"))
        asked = {"asked": request.digest, "request": request.model_dump_json()}
        if request.organizational_unit_id:
            asked["organizational_unit_id"] = request.organizational_unit_id
        if why == "account_event":
            asked["for_account_event"] = "true"
        return self._claim(_Claimer(request.claim_key, execution_arn, now, "changing", asked))

    def claim_for_reading(self, cluster: str, execution_arn: str, now: datetime) -> Claim:
        """As `claim`, for a cluster that has been proven once; nothing is written for one that has not.

        A cluster whose first provisioning runs is busy.
        """
        return self._claim(_Claimer(cluster, execution_arn, now, "reading"))

    def holder_runs(self, item: Item, now: datetime) -> bool:
        """Whether an item of the table is claimed, and by an execution that still runs."""
        holder = _text_of(item, "claimed_by")
        return holder is not None and self._is_running(holder, claimed_at=_text_of(item, "claimed_at"), now=now)

    def _claim(self, claimer: "_Claimer") -> Claim:
        required = "attribute_exists(verified_at) AND " if claimer.purpose == "reading" else ""
        required += "attribute_not_exists(removed_at) AND " if "for_account_event" in claimer.asked else ""
        free_or_ours = f"{required}(attribute_not_exists(claimed_by) OR claimed_by = :execution)"
        claimed, item = self._write(claimer, condition=free_or_ours)
        if claimed:
            return Claim("claimed", claimer.execution_arn, item)
        if "removed_at" in item and "for_account_event" in claimer.asked:
            return Claim("removed", None)
        if self.holder_runs(item, claimer.now):
            return _held(item, claimer)
        if required and "verified_at" not in item:
            return Claim("not_recorded", None)
        # Conditional on the holder just judged: of two take-overs at the same time only one wins.
        claimed, item = self._write(claimer, condition="claimed_by = :holder", holder=_holder(item))
        return Claim("claimed", claimer.execution_arn, item) if claimed else _held(item, claimer)

    def _write(self, claimer: "_Claimer", *, condition: str, holder: str | None = None) -> tuple[bool, Item]:
        """Whether it was written, and the item as it then is; as it was when the condition does not hold."""
        values: dict[str, Any] = {
            ":execution": {"S": claimer.execution_arn},
            ":now": {"S": _text(claimer.now)},
            ":purpose": {"S": claimer.purpose},
        }
        claimed_at = ":now" if holder else "if_not_exists(claimed_at, :now)"
        asked = "".join(f", #{name} = :{name}" for name in claimer.asked)
        begins_anew = " REMOVE removed_at, kept_file_system" if claimer.purpose == "changing" else ""
        values |= {f":{name}": {"S": value} for name, value in claimer.asked.items()}
        try:
            written = self.dynamodb.update_item(
                TableName=self.name,
                Key={"cluster": {"S": claimer.cluster}},
                UpdateExpression=f"SET #holder = :execution, claimed_at = {claimed_at}, claimed_for = :purpose"
                f"{asked}{begins_anew}",
                ConditionExpression=condition,
                ExpressionAttributeNames={"#holder": "claimed_by", **{f"#{name}": name for name in claimer.asked}},
                ExpressionAttributeValues=values | ({":holder": {"S": holder}} if holder else {}),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self.dynamodb.exceptions.ConditionalCheckFailedException as error:
            item: Item = dict(error.response).get("Item", {})  # type: ignore[assignment]
            return False, item
        except ClientError as error:
            raise boundary_error(error, f"UpdateItem, the claim of {claimer.cluster}") from error
        return True, written["Attributes"]

    def _is_running(self, execution_arn: str, *, claimed_at: str | None, now: datetime) -> bool:
        try:
            status = self.states.describe_execution(executionArn=execution_arn)["status"]
        except self.states.exceptions.ExecutionDoesNotExist:
            return claimed_at is not None and now - datetime.fromisoformat(claimed_at) < _UNKNOWN_EXECUTION_GRACE
        except ClientError as error:
            raise boundary_error(error, f"DescribeExecution {execution_arn}") from error
        match status:
            case "RUNNING" | "PENDING_REDRIVE":
                return True
            case "SUCCEEDED" | "FAILED" | "TIMED_OUT" | "ABORTED":
                return False


@dataclass(frozen=True)
class _Claimer:
    cluster: str
    execution_arn: str
    now: datetime
    purpose: Purpose
    asked: Mapping[str, str] = field(default_factory=dict)

    def asks_otherwise(self, item: Item) -> bool:
        """Only Control Tower's event has a unit's defaults; a run that began with the stack's would drop them."""
        of_a_unit = {"for_account_event", "organizational_unit_id"} <= self.asked.keys()
        return of_a_unit and self.asked["asked"] != _text_of(item, "asked")


def _held(item: Item, claimer: _Claimer) -> Claim:
    match _text_of(item, "claimed_for"):
        case "reading":
            return Claim("being_read", _holder(item))
        case "removing":
            return Claim("being_removed", _holder(item))
    return Claim("asked_otherwise" if claimer.asks_otherwise(item) else "busy", _holder(item))


def _holder(item: Item) -> str:
    holder = _text_of(item, "claimed_by")
    if holder is None:
        raise RetryableError(
            ErrorReason.CONFLICT, "the claim was released while it was being taken over", remedy="it is claimed again"
        )
    return holder


def _text_of(item: Item, name: str) -> str | None:
    return str(item[name]["S"]) if name in item else None


def _text(now: datetime) -> str:
    return now.astimezone(UTC).isoformat(timespec="seconds")
