"""One execution at a time works on a cluster.

The table has one item per cluster: the claim (`claimed_by`, `claimed_at`) beside the record of the last run, which
the state machine writes. The state machine also releases the claim; an execution that was stopped cannot, so a claim
whose execution no longer runs is taken over.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from botocore.exceptions import ClientError

from provisioner.aws.errors import boundary_error
from provisioner.errors import ErrorReason, RetryableError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_stepfunctions import SFNClient

# DescribeExecution is eventually consistent: an execution it does not know may have begun a moment ago.
_UNKNOWN_EXECUTION_GRACE: Final = timedelta(seconds=60)


@dataclass(frozen=True)
class Claim:
    """`holder` is the execution that has the cluster now: the claimer's own when claimed."""

    status: Literal["claimed", "busy"]
    holder: str

    def payload(self) -> dict[str, str]:
        return {"status": self.status, "holder": self.holder}


@dataclass(frozen=True)
class ClaimsTable:
    name: str
    dynamodb: "DynamoDBClient"
    states: "SFNClient"

    def claim(self, cluster: str, execution_arn: str, now: datetime) -> Claim:
        """Converge to `execution_arn` holding `cluster`, unless an execution that still runs holds it.

        Idempotency key: `execution_arn`; claiming again what is ours changes nothing.
        Raises: RetryableError Conflict when the claim changed hands twice meanwhile; what `boundary_error` makes of
        a refused call.
        Source: DynamoDB developer guide, "Condition expressions"; Step Functions API, DescribeExecution.
        """
        free_or_ours = "attribute_not_exists(claimed_by) OR claimed_by = :execution"
        in_the_way = self._write(cluster, execution_arn, now, condition=free_or_ours)
        if in_the_way is None:
            return Claim("claimed", execution_arn)
        holder = _holder(in_the_way)
        if self._is_running(holder, claimed_at=in_the_way.get("claimed_at", {}).get("S"), now=now):
            return Claim("busy", holder)
        # Conditional on the holder just judged: of two take-overs at the same time only one wins.
        winner = self._write(cluster, execution_arn, now, condition="claimed_by = :holder", holder=holder)
        return Claim("claimed", execution_arn) if winner is None else Claim("busy", _holder(winner))

    def _write(
        self, cluster: str, execution_arn: str, now: datetime, *, condition: str, holder: str | None = None
    ) -> dict[str, Any] | None:
        """None when written; the item as it is when the condition does not hold."""
        values = {":execution": {"S": execution_arn}, ":now": {"S": _text(now)}}
        claimed_at = ":now" if holder else "if_not_exists(claimed_at, :now)"
        try:
            self.dynamodb.update_item(
                TableName=self.name,
                Key={"cluster": {"S": cluster}},
                UpdateExpression=f"SET claimed_by = :execution, claimed_at = {claimed_at}",
                ConditionExpression=condition,
                ExpressionAttributeValues=values | ({":holder": {"S": holder}} if holder else {}),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self.dynamodb.exceptions.ConditionalCheckFailedException as error:
            item: dict[str, Any] = dict(error.response).get("Item", {})  # type: ignore[assignment]
            return item
        except ClientError as error:
            raise boundary_error(error, f"claim of {cluster}") from error
        return None

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


def _holder(item: dict[str, Any]) -> str:
    if "claimed_by" not in item:
        raise RetryableError(
            ErrorReason.CONFLICT, "the claim was released while it was being taken over", remedy="it is claimed again"
        )
    return str(item["claimed_by"]["S"])


def _text(now: datetime) -> str:
    return now.astimezone(UTC).isoformat(timespec="seconds")
