"""What an AWS error code means to the state machine: try again later, or stop.

Only codes and HTTP statuses decide, never message text, which AWS changes freely. A code that means something else to
one resource ("already exists" is success to an `ensure`) is handled where it is expected, before it gets here.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from provisioner.errors import ErrorReason, RetryableError, TerminalError, UnsettledError
from provisioner.tls import distrust
from provisioner.verbatim import repeated

MAY_SETTLE: Final = "MaySettle"
"""In the answer that denies a call: IAM may not have spread yet what allows it (see aws/session.py)."""

# AWS names the kind of policy that denies a call at the end of some 400 characters.
_MESSAGE_CHARACTERS: Final = 1500

_MAY_SETTLE: Final = "the same call is made again for some minutes, in which IAM spreads what a young role may do"

_RETRYABLE: Final[Mapping[ErrorReason, frozenset[str]]] = {
    ErrorReason.THROTTLED: frozenset(
        {
            "BandwidthLimitExceeded",
            "EC2ThrottledException",
            "PriorRequestNotComplete",
            "ProvisionedThroughputExceededException",
            "RequestLimitExceeded",
            "RequestThrottled",
            "RequestThrottledException",
            "SlowDown",
            "ThrottledException",
            "Throttling",
            "ThrottlingException",
            "TooManyRequestsException",
            "TransactionInProgressException",
        }
    ),
    ErrorReason.SERVICE_UNAVAILABLE: frozenset(
        {
            "InternalError",
            "InternalFailure",
            "InternalServerError",
            "RequestTimeout",
            "RequestTimeoutException",
            "ServerException",
            "ServiceUnavailable",
            "ServiceUnavailableException",
            "Unavailable",
        }
    ),
    # Credentials that expired between two calls, a group EFS does not see yet, and services that a new account may
    # not use in its first minutes.
    ErrorReason.NOT_YET_CONSISTENT: frozenset(
        {
            "ExpiredToken",
            "ExpiredTokenException",
            "InvalidGroup.NotFound",
            "OptInRequired",
            "PendingVerification",
            "RequestExpired",
            "SecurityGroupNotFound",
            "SubscriptionRequiredException",
        }
    ),
    ErrorReason.CONFLICT: frozenset(
        {
            "ConcurrentModification",
            "ConcurrentModificationException",
            "ConflictException",
            "DependencyViolation",
            "DependencyTimeout",
            "IncorrectFileSystemLifeCycleState",
            "IncorrectMountTargetState",
            "OperationAborted",
            "OperationAbortedException",
            "ResourceInUseException",
        }
    ),
}

_TERMINAL: Final[Mapping[ErrorReason, tuple[frozenset[str], str]]] = {
    ErrorReason.ACCESS_DENIED: (
        frozenset(
            {
                "AccessDenied",
                "AccessDeniedException",
                "AuthFailure",
                "InvalidClientTokenId",
                "UnauthorizedOperation",
                "UnrecognizedClientException",
            }
        ),
        "let the policy that AWS names allow the role this call, and check that the region is enabled in the account",
    ),
    ErrorReason.QUOTA_EXCEEDED: (
        frozenset(
            {
                "AccessPointLimitExceeded",
                "AddressLimitExceeded",
                "FileSystemLimitExceeded",
                "InsufficientFreeAddressesInSubnet",
                "InternetGatewayLimitExceeded",
                "LimitExceededException",
                "NatGatewayLimitExceeded",
                "NetworkInterfaceLimitExceeded",
                "NoFreeAddressesInSubnet",
                "ResourceLimitExceededException",
                "RouteTableLimitExceeded",
                "RulesPerSecurityGroupLimitExceeded",
                "SecurityGroupLimitExceeded",
                "ServiceQuotaExceededException",
                "SubnetLimitExceeded",
                "ThroughputLimitExceeded",
                "VpcLimitExceeded",
            }
        ),
        "raise the quota or remove what is no longer used, then start again",
    ),
    ErrorReason.UNSUITABLE_NETWORK: (
        frozenset({"AvailabilityZonesMismatch", "UnsupportedAvailabilityZone", "UnsupportedAvailabilityZoneException"}),
        "use subnets in availability zones that the service supports",
    ),
}


_CORRECT: Final = "correct what AWS names, then start again"
_OF_A_DATE: Final = frozenset(
    {"AuthFailure", "InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed", "SignatureDoesNotMatch"}
)
_TOLERATED: Final = timedelta(minutes=5)


def is_denial(answer: Mapping[str, Any]) -> bool:
    """Whether AWS's answer is that no policy lets the caller make the call: not that a key or region is not known, nor
    that something is AWS's own (EC2's AuthFailure)."""
    return answer.get("Error", {}).get("Code") in {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}


def clock_ahead(answer: Mapping[str, Any], now: datetime) -> timedelta | None:
    """By how much the own clock is ahead of AWS's, where that is why AWS does not take a request's date.

    botocore corrects no clock (boto/boto3#1252), and AWS's words are not quoted (see `_explanation`).
    Source: IAM user guide, "Troubleshoot AWS API request signing": five minutes; the answer's own Date.
    """
    said = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    if answer.get("Error", {}).get("Code") not in _OF_A_DATE or not said:
        return None
    ahead = now - parsedate_to_datetime(said)
    return ahead if abs(ahead) > _TOLERATED else None


def boundary_error(
    error: ClientError, doing: str, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> RetryableError | UnsettledError | TerminalError:
    """The error that leaves the function when AWS refused a call: never raised here, returned to be raised.

    `doing` says which call on which resource, for instance "CreateMountTarget in subnet-0a1b". Codes that no table
    names are retryable with a 5xx status and terminal otherwise. A denial is terminal unless it may settle. What a look
    misses was found a moment ago. A wrong clock is Lambda's, of one environment of many, and put right by whoever runs
    it.
    Source: "Common errors" and each action's "Errors" in the API references of EKS, EFS, EC2, IAM, STS, CloudWatch
    Logs and DynamoDB;
    botocore's retry handler for the throttling codes.
    """
    code = error.response.get("Error", {}).get("Code", "Unknown")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if ahead := clock_ahead(error.response, now()):
        off = f"{abs(ahead).total_seconds() / 60:.0f} minutes {'ahead of' if ahead > timedelta() else 'behind'} AWS's"
        return RetryableError(
            ErrorReason.CLOCK_WRONG,
            f"{doing}: {code}: this function's clock is {off}",
            remedy="the same call is made again; if it stays so, tell AWS Support: nobody else sets Lambda's clocks",
        )
    subject = f"{doing}: {code}{_explanation(error, code)}"
    for reason, codes in _RETRYABLE.items():
        if code in codes:
            return RetryableError(reason, subject, remedy="the same call is made again")
    for reason, (codes, remedy) in _TERMINAL.items():
        if code in codes and error.response.get(MAY_SETTLE):
            return UnsettledError(reason, subject, remedy=f"{_MAY_SETTLE}; if it stays so, {remedy}")
        if code in codes:
            return TerminalError(reason, subject, remedy=remedy)
    if _went_away(error, code):
        remedy = f"what was found a moment ago is looked for again for some minutes; if it stays so, {_CORRECT}"
        return UnsettledError(ErrorReason.NOT_YET_CONSISTENT, subject, remedy=remedy)
    if status >= 500:
        return RetryableError(ErrorReason.SERVICE_UNAVAILABLE, subject, remedy="the same call is made again")
    return TerminalError(ErrorReason.REJECTED, subject, remedy=_CORRECT)


def _went_away(error: ClientError, code: str) -> bool:
    """Whether something was gone between two looks: what may be absent is asked for where that is expected."""
    looks = error.operation_name.startswith(("Describe", "Get", "List"))
    return looks and ("NotFound" in code or code.startswith("NoSuch"))


def connection_error(error: Exception) -> RetryableError | TerminalError:
    """The error that leaves the function when AWS gave no answer: whom TLS does not trust is asked again in vain.

    Named is the host alone, of the endpoint or of the proxy: the rest of an address may carry what nobody is to read.
    Source: botocore.exceptions, SSLError, ProxyConnectionError, EndpointConnectionError.
    """
    named = getattr(error, "kwargs", {})
    host = urlsplit(str(named.get("endpoint_url") or named.get("proxy_url"))).hostname or "AWS"
    if why := distrust(error):
        return TerminalError(
            ErrorReason.UNTRUSTED_ENDPOINT,
            f"what answers at {host} is not trusted: {why}",
            remedy="see whether a proxy or firewall between the functions and AWS intercepts TLS, "
            "and let the endpoint pass it untouched",
        )
    return RetryableError(
        ErrorReason.SERVICE_UNAVAILABLE, f"{type(error).__name__} at {host}", remedy="the same call is made again"
    )


def _explanation(error: ClientError, code: str) -> str:
    """AWS's own words for people, but for signature errors: those quote the signed headers, session token included."""
    message = error.response.get("Error", {}).get("Message", "")
    if not message or "Signature" in code:
        return ""
    return f" ({repeated(message, _MESSAGE_CHARACTERS)})"
