"""The date of a signed request has to be about that of the service's own clock.

Source: IAM user guide, "Troubleshoot AWS API request signing" (five minutes, of most services); EC2 API reference,
"Error codes", RequestExpired (fifteen minutes, in either direction); S3 API reference, "Error responses",
RequestTimeTooSkewed, and boto/boto3#1252. The words are those of aws/aws-sdk-js#1652 and boto/botocore#149.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

TOLERANCE = timedelta(minutes=5)
MORE_TOLERANT = timedelta(minutes=15)
CODES = ("InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed", "SignatureDoesNotMatch")
_FORM = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class RefusedDate:
    status: int
    code: str
    message: str


def refusal(protocol: str, signed_at: str, now: datetime) -> RefusedDate | None:
    """None of a date that will do. `protocol` is the service's; that of S3 is nobody else's here."""
    off = datetime.strptime(signed_at, _FORM).replace(tzinfo=UTC) - now
    match protocol:
        case "ec2" if abs(off) > MORE_TOLERANT:
            return RefusedDate(400, "RequestExpired", "Request has expired.")
        case "rest-xml" if abs(off) > MORE_TOLERANT:
            message = "The difference between the request time and the current time is too large."
            return RefusedDate(403, "RequestTimeTooSkewed", message)
        case "query" if abs(off) > TOLERANCE:
            return RefusedDate(403, "SignatureDoesNotMatch", _words(signed_at, off, now))
        case "json" | "rest-json" if abs(off) > TOLERANCE:
            status = 400 if protocol == "json" else 403
            return RefusedDate(status, "InvalidSignatureException", _words(signed_at, off, now))
    return None


def _words(signed_at: str, off: timedelta, now: datetime) -> str:
    known = f"{now:{_FORM}}"
    if off > timedelta():
        return (
            f"Signature not yet current: {signed_at} is still later than {now + TOLERANCE:{_FORM}} ({known} + 5 min.)"
        )
    return f"Signature expired: {signed_at} is now earlier than {now - TOLERANCE:{_FORM}} ({known} - 5 min.)"
