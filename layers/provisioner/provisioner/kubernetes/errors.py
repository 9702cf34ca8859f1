"""What a refusal by the Kubernetes API means to the state machine.

Codes and the Status object's reasons and causes decide, and its message only where nothing else tells: a 403 is
RBAC's, which may still learn of an access entry, or admission's, which has made up its mind.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from provisioner.errors import ErrorReason, RetryableError, TerminalError, UnsettledError
from provisioner.kubernetes.dynamic import ApiException
from provisioner.tls import distrust
from provisioner.verbatim import repeated

_MESSAGE_CHARACTERS: Final = 1500
_FIELD_CONFLICT: Final = "FieldManagerConflict"
_AGAIN: Final = "the same call is made again"


# Admission's words for a refusal. Source: k8s.io/apiserver, pkg/admission/errors.go (NewForbidden),
# plugin/webhook/errors/statuserror.go (ToStatusErr), plugin/policy/validating (a policy's denial is a 422).
_REFUSED: Final = re.compile(r"\bis forbidden: (?!User \")|\bdenied (the )?request\b")
# Refusals that pass within moments: what they wait for is being made.
# Source: plugin serviceaccount ("error looking up service account"), resourcequota, pkg/admission/errors.go (NotReady).
_PASSING: Final = re.compile(
    r"error looking up service account|status unknown for quota|not yet ready to handle request"
)


def is_refused_for_good(message: str) -> bool:
    """Whether admission said no and will go on saying no: quota, limit range, Pod Security, a policy."""
    return _REFUSED.search(message) is not None and _PASSING.search(message) is None


class AccessNotYetEffective(Exception):  # noqa: N818 - a wait, not an error: `ensure` and `verify` make it pending
    """401 or 403: the access entry does not exist yet or is not known to this API server yet.

    Never leaves a function.
    Source: EKS user guide, "Grant IAM users access to Kubernetes with EKS access entries": eventually consistent.
    """


def boundary_error(
    error: ApiException, doing: str, *, over_existing: bool = False
) -> AccessNotYetEffective | UnsettledError | RetryableError | TerminalError:
    """What to raise when the API refused `doing` ("apply PersistentVolume efs-pv").

    `over_existing`: the call was to change an object of ours, so that an invalid value is an immutable field.
    Source: Kubernetes API conventions, "HTTP status codes" and "Response status kind"; server-side apply, "Conflicts".
    """
    answer = _status_object(error)
    message = str(answer.get("message", ""))
    subject = f"{doing}: HTTP {error.status}{_explanation(answer) or f' {error.reason}'}"
    match error.status:
        case 400 | 403 | 422 if is_refused_for_good(message) and not _is_being_terminated(answer):
            return TerminalError(
                ErrorReason.ADMISSION_REFUSED,
                subject,
                remedy="give the object what the refusal names, then start again",
            )
        case 403 if _REFUSED.search(message):
            return RetryableError(ErrorReason.NOT_YET_CONSISTENT, subject, remedy=_AGAIN)
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
            return UnsettledError(ErrorReason.SERVICE_UNAVAILABLE, subject, remedy=_AGAIN)
        case _:
            return TerminalError(ErrorReason.REJECTED, subject, remedy="correct what the API names, then start again")


def connection_error(error: Exception) -> UnsettledError | TerminalError:
    """What to raise when there was no answer: whom TLS does not trust is asked again in vain, and gets no token."""
    if why := distrust(error):
        return TerminalError(
            ErrorReason.UNTRUSTED_ENDPOINT,
            f"what answers at the cluster's API endpoint is not trusted: {why}",
            remedy="see whether a proxy or firewall between the functions and the endpoint intercepts TLS, "
            "and let the endpoint pass it untouched",
        )
    # Also the first minutes of a cluster, whose name does not resolve everywhere yet.
    return UnsettledError(
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
    message = repeated(str(answer.get("message", "")), _MESSAGE_CHARACTERS)
    return f" {' '.join(filter(None, (answer.get('reason'), f'({message})')))}" if message else ""


def _is_being_terminated(answer: Mapping[str, Any]) -> bool:
    """The namespace is on its way out; what is to be made in it may come after it."""
    causes = (answer.get("details") or {}).get("causes") or []
    return any(cause.get("reason") == "NamespaceTerminating" for cause in causes)


def _field_conflicts(answer: Mapping[str, Any]) -> str:
    """'conflict with "kubectl": .spec.attachRequired, …': each cause names the manager and one field."""
    causes = (answer.get("details") or {}).get("causes") or []
    return ", ".join(
        f"{cause.get('message')}: {cause.get('field')}" for cause in causes if cause.get("reason") == _FIELD_CONFLICT
    )
