"""The errors that leave a function.

The state machine matches these class names exactly (an `ErrorEquals` entry is a class name), so they stay flat:
no subclass of one of them may ever be raised.
"""

from enum import StrEnum
from typing import Final

from provisioner.verbatim import printable, repeated


class ErrorReason(StrEnum):
    """Why a run cannot go on, or not yet. Stable: events and alarms may match on it."""

    INVALID_REQUEST = "InvalidRequest"
    OWNED_BY_ANOTHER = "OwnedByAnother"
    PROTECTED = "Protected"
    UNUSABLE = "Unusable"
    IMMUTABLE = "Immutable"
    UNSUITABLE_ACCOUNT = "UnsuitableAccount"
    UNSUITABLE_NETWORK = "UnsuitableNetwork"
    NOT_UPGRADABLE = "NotUpgradable"
    QUOTA_EXCEEDED = "QuotaExceeded"
    ACCESS_DENIED = "AccessDenied"
    ADMISSION_REFUSED = "AdmissionRefused"
    THROTTLED = "Throttled"
    CLOCK_WRONG = "ClockWrong"
    SERVICE_UNAVAILABLE = "ServiceUnavailable"
    UNTRUSTED_ENDPOINT = "UntrustedEndpoint"
    NOT_YET_CONSISTENT = "NotYetConsistent"
    ROLE_NOT_ASSUMABLE = "RoleNotAssumable"
    CONFLICT = "Conflict"
    VERIFICATION_FAILED = "VerificationFailed"
    TIMED_OUT = "TimedOut"
    REJECTED = "Rejected"
    UNEXPECTED = "Unexpected"


# What a failure's event keeps of a cause, but for reason and remedy. A cause that does not fit a state, 32,768, would
# end a run without its event; and others may say anything, such as the pods of an image that somebody chose.
_SUBJECT_CHARACTERS: Final = 7_500


class BoundaryError(Exception):
    """`reason: subject; remedy`. Never raised itself: raise one of those below."""

    def __init__(self, reason: ErrorReason, subject: str, *, remedy: str) -> None:
        self.reason = reason
        self.subject = subject = repeated(printable(repeated(subject, _SUBJECT_CHARACTERS)), _SUBJECT_CHARACTERS)
        self.remedy = remedy
        super().__init__(f"{reason}: {subject}; {remedy}")


class RetryableError(BoundaryError):
    """Throttling, a 5xx, eventual consistency, a role not yet assumable: the same call may succeed later."""


class UnsettledError(BoundaryError):
    """Within minutes it passes, or it never does: the same call is repeated for some minutes.

    A cluster's API that cannot be reached or fails; a role or a right that IAM may not have spread yet. Not
    RetryableError, which waits out an account that AWS throttles: nothing says that this will pass by itself.
    """


class TerminalError(BoundaryError):
    """The same call cannot succeed until somebody changes something; the remedy says what."""


class RequestError(BoundaryError):
    """The input is wrong: nothing has been created; the subject lists every wrong field."""
