"""What every function shares: a logger that knows the run, a tracer, metrics, and the error boundary.

Payloads are neither logged nor traced: they are whole requests, and evidence.
"""

import json
from collections.abc import Callable, Mapping
from functools import cache, wraps
from typing import Any, Final

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import ClientError, FlexibleChecksumError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError
from pydantic import ValidationError

from provisioner.aws.answers import use_as_default
from provisioner.aws.errors import boundary_error, connection_error
from provisioner.errors import BoundaryError, ErrorReason, TerminalError
from provisioner.refusal import problems_of, refusal
from provisioner.verbatim import printable, shortened

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]

NAMESPACE: Final = "eks-efs-provisioner"
# A cause has 7,500, and its reason and remedy.
_LOGGED_CHARACTERS: Final = 10_000


def function_handler(handle: Handler) -> Handler:
    """Make `handle` an entry point: logs carry the execution and cluster, and only boundary errors leave.

    Raises: RequestError, RetryableError, TerminalError; whatever else happened is a TerminalError Unexpected that
    names the exception's type and nothing it said, which is in the log.
    """

    @wraps(handle)
    def entry_point(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        metrics = _metrics()
        _prepare_sdk()
        logger().clear_state()
        logger().append_keys(**_keys(event), function_request_id=context.aws_request_id)
        outcome = "Succeeded"
        try:
            # The subsegment's own manager, as capture_lambda_handler logs each exception once more, unstructured.
            with _tracer().provider.in_subsegment(name=f"## {handle.__name__}"):
                return _bounded(handle, event, context)
        except BoundaryError as error:
            outcome = type(error).__name__
            raise
        finally:
            metrics.add_metric(name=outcome, unit=MetricUnit.Count, value=1)
            metrics.flush_metrics()

    return entry_point


def _bounded(handle: Handler, event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Call `handle`, and let nothing but boundary errors out; each is logged once, here."""
    try:
        return handle(event, context)
    except BoundaryError as error:
        _log(error)
        raise
    except ValidationError as error:
        refused = refusal(problems_of(error.errors(include_url=False)))
        _log(refused)
        raise refused from None
    except ClientError as error:
        bounded = boundary_error(error, error.operation_name)
        _log(bounded)
        raise bounded from error
    except (HTTPClientError, NoConnectionError, ConnectionError, FlexibleChecksumError) as error:
        unreachable = connection_error(error)
        _log(unreachable)
        raise unreachable from error
    except Exception as error:
        logger().exception("unexpected_error", error_type=type(error).__name__)
        raise TerminalError(
            ErrorReason.UNEXPECTED, type(error).__name__, remedy="read the function's log for this execution"
        ) from None


def _log(error: BoundaryError) -> None:
    logger().warning(
        "function_failed", error_type=type(error).__name__, error_reason=str(error.reason), error_message=str(error)
    )


def _keys(event: Any) -> dict[str, str | None]:
    """`execution_arn` and `cluster`, as far as the payload has them: Validate request gets any input at all."""
    request = event.get("request") if isinstance(event, Mapping) else None
    cluster = request.get("cluster") if isinstance(request, Mapping) else None
    return {
        "execution_arn": event.get("execution_arn") if isinstance(event, Mapping) else None,
        "cluster": cluster.get("name") if isinstance(cluster, Mapping) else None,
    }


@cache
def _prepare_sdk() -> None:
    use_as_default()


# Made on the first call and not at import: they read the environment.
@cache
def logger() -> Logger:
    """The log of the running function: constant messages, snake_case keys, never a payload, never a token."""
    return Logger(log_uncaught_exceptions=False, json_serializer=record_of)


def record_of(logged: Mapping[str, Any]) -> str:
    """One line of printable text, whatever a name or an exception says, which CloudWatch keeps in one piece.

    Source: CloudWatch Logs user guide, "CloudWatch Logs quotas": 256 KB; Lambda makes more events of a longer line.
    """
    return json.dumps(_told(logged), separators=(",", ":"), ensure_ascii=False)


def _told(value: Any) -> Any:
    match value:
        case str():
            return shortened(printable(shortened(value, _LOGGED_CHARACTERS)), _LOGGED_CHARACTERS)
        case Mapping():
            return {name: _told(item) for name, item in value.items()}
        case list() | tuple():
            return list(map(_told, value))
        case None | bool() | int() | float():
            return value
        case _:
            return _told(str(value))


def add_counts(counts: Mapping[str, int]) -> None:
    """Metrics of the running function, sent when it ends: name -> how many."""
    for name, value in counts.items():
        _metrics().add_metric(name=name, unit=MetricUnit.Count, value=value)


@cache
def _tracer() -> Tracer:
    return Tracer()


@cache
def _metrics() -> Metrics:
    return Metrics(namespace=NAMESPACE)
