"""The page of all clusters: rewritten from their records whenever something has ended, so that none is ever lost.

Two that end at once must not undo one another's page. Each asks what page is there, then reads the records, and
writes only if that page is still there; otherwise it begins again. So what is written has been read after the page
before it was written, and the records of whoever wrote that one were complete by then.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from provisioner.errors import ErrorReason, RetryableError, TerminalError
from provisioner.fleet.records import scan
from provisioner.report.render import HTML, render_index
from provisioner.report.state import ATTRIBUTES, Index, states

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

INDEX: Final = "index.html"
FLEET: Final = "fleet/report.html"
_ATTEMPTS: Final = 10
# No tag, and perhaps no object: without the right to list the bucket, S3 does not say that one is not there.
# Source: S3 API, HeadObject.
_UNSAID: Final = ""
# Another wrote meanwhile, or is writing. Source: S3 user guide, "How to prevent object overwrites with conditional
# writes".
_OVERTAKEN: Final = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"})


@dataclass(frozen=True)
class IndexStore:
    """The bucket that the page lies in, and the table that it is made from."""

    bucket: str
    s3: "S3Client"
    table: str
    dynamodb: "DynamoDBClient"

    def rewrite(self, now: datetime) -> str:
        """Converge the page to what the records say; where it is.

        Raises: TerminalError AccessDenied when it is there and may not be read; RetryableError Conflict when others
        wrote each time.
        Source: S3 API, PutObject with If-Match and If-None-Match; DynamoDB API, Scan with ConsistentRead.
        """
        for _ in range(_ATTEMPTS):
            before = self._tag(INDEX)
            clusters = states(list(scan(self.dynamodb, self.table, *ATTRIBUTES, consistent=True)))
            page = Index(clusters, now.astimezone(UTC), FLEET if self._tag(FLEET) else None)
            if self._put(render_index(page).encode(), before):
                return f"s3://{self.bucket}/{INDEX}"
        if before == _UNSAID:
            resource = f"arn:{self.s3.meta.partition}:s3:::{self.bucket}/{INDEX}"
            raise TerminalError(
                ErrorReason.ACCESS_DENIED,
                f"{resource} is there, and s3:GetObject on it is refused",
                remedy="let the function's role read it",
            )
        raise RetryableError(
            ErrorReason.CONFLICT,
            f"s3://{self.bucket}/{INDEX} was written by others {_ATTEMPTS} times meanwhile",
            remedy="it is written again",
        )

    def _tag(self, key: str) -> str | None:
        try:
            return self.s3.head_object(Bucket=self.bucket, Key=key)["ETag"]
        except ClientError as error:
            match error.response["Error"]["Code"]:
                case "404":
                    return None
                case "403":
                    return _UNSAID
                case _:
                    raise

    def _put(self, body: bytes, before: str | None) -> bool:
        try:
            self.s3.put_object(
                Bucket=self.bucket,
                Key=INDEX,
                Body=body,
                ContentType=HTML,
                CacheControl="no-cache",
                Metadata={"sha256": hashlib.sha256(body).hexdigest()},
                **({"IfMatch": before} if before else {"IfNoneMatch": "*"}),  # type: ignore[arg-type]
            )
        except ClientError as error:
            if error.response["Error"]["Code"] not in _OVERTAKEN:
                raise
            return False
        return True
