"""What a refusal by the Kubernetes API means to the state machine.

Codes and the Status object's reasons and causes decide, never its message, which differs between versions.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from provisioner.errors import ErrorReason, RetryableError, TerminalError
from provisioner.kubernetes.dynamic import ApiException
from provisioner.tls import distrust

_MESSAGE_CHARACTERS: Final = 600
_FIELD_CONFLICT: Final = "FieldManagerConflict"
_AGAIN: Final = "the same call is made again"


class AccessNotYetEffective(Exception):  # noqa: N818 - a wait, not an error: `ensure` and `verify` make it pending
    """401 or 403: the access entry does not exist yet or is not known to this API server yet.

    Never leaves a function.
    Source: EKS user guide, "Grant IAM users access to Kubernetes with EKS access entries": eventually consistent.
    """


def boundary_error(
    error: ApiException, doing: str, *, over_existing: bool = False
) -> AccessNotYetEffective | RetryableError | TerminalError:
    """What to raise when the API refused `doing` ("apply PersistentVolume efs-pv").

    `over_existing`: the call was to change an object of ours, so that an invalid value is an immutable field.
    Source: Kubernetes API conventions, "HTTP status codes" and "Response status kind"; server-side apply, "Conflicts".
    """
    answer = _status_object(error)
    subject = f"{doing}: HTTP {error.status}{_explanation(answer) or f' {error.reason}'}"
    match error.status:
        case 401 | 403:
            return AccessNotYetEffective(subject)
        case 409 if conflicts := _field_conflicts(answer):
            return TerminalError(
                ErrorReason.CONFLICT,
                f"{doing}: {conflicts}",
                remedy="let the other manager give up these fields or remove the object, then start again",
            )
        case 404 | 409:
            return RetryableError(ErrorReason.NOT_YET_CONSISTENT, subject, remedy=_AGAIN)
        case 422 if over_existing:
            return TerminalError(
                ErrorReason.IMMUTABLE,
                subject,
                remedy="delete the object (the file system keeps its data) or ask for another name, then start again",
            )
        case 429:
            return RetryableError(ErrorReason.THROTTLED, subject, remedy=_AGAIN)
        case 0:  # the client's own: TLS failed before there was an answer
            return connection_error(error)
        case status if status >= 500:
            return RetryableError(ErrorReason.SERVICE_UNAVAILABLE, subject, remedy=_AGAIN)
        case _:
            return TerminalError(ErrorReason.REJECTED, subject, remedy="correct what the API names, then start again")


def connection_error(error: Exception) -> RetryableError | TerminalError:
    """What to raise when there was no answer: whom TLS does not trust is asked again in vain, and gets no token."""
    if why := distrust(error):
        return TerminalError(
            ErrorReason.UNTRUSTED_ENDPOINT,
            f"what answers at the cluster's API endpoint is not trusted: {why}",
            remedy="see whether a proxy or firewall between the functions and the endpoint intercepts TLS, "
            "and let the endpoint pass it untouched",
        )
    # Also the first minutes of a cluster, whose name does not resolve everywhere yet.
    return RetryableError(
        ErrorReason.SERVICE_UNAVAILABLE,
        f"the cluster's API could not be reached: {' '.join(str(error).split())}",
        remedy="the same call is made again; if it persists, see that the functions can reach the endpoint "
        "(a private one only from inside its VPC)",
    )


def _status_object(error: ApiException) -> Mapping[str, Any]:
    try:
        answer = json.loads(error.body or "")
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _explanation(answer: Mapping[str, Any]) -> str:
    message = str(answer.get("message", ""))[:_MESSAGE_CHARACTERS]
    return f" {answer.get('reason', '')} ({message})" if message else ""


def _field_conflicts(answer: Mapping[str, Any]) -> str:
    """'conflict with "kubectl": .spec.attachRequired, …': each cause names the manager and one field."""
    causes = (answer.get("details") or {}).get("causes") or []
    return ", ".join(
        f"{cause.get('message')}: {cause.get('field')}" for cause in causes if cause.get("reason") == _FIELD_CONFLICT
    )
