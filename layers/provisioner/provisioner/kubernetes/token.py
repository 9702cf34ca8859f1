"""The bearer token that an EKS cluster accepts: a presigned question to STS, "who signed this?".

Made here rather than by `aws eks get-token`: a function has no AWS CLI, and the whole of it is one signature.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from botocore.model import ServiceId
from botocore.session import Session
from botocore.signers import RequestSigner

TOKEN_PREFIX: Final = "k8s-aws-v1."  # noqa: S105 - the part of it that everybody knows
CLUSTER_HEADER: Final = "x-k8s-aws-id"
# The verifier ignores X-Amz-Expires within 0..900 and counts 15 minutes from X-Amz-Date; the AWS CLI sends 60 as well.
URL_EXPIRES_SECONDS: Final = 60
TOKEN_VALID_FOR: Final = timedelta(minutes=14)


@dataclass(frozen=True)
class Token:
    # Whoever holds the value is the provisioner: it stays out of reprs, and so out of logs.
    value: str = field(repr=False)
    valid_until: datetime

    @classmethod
    def signed(cls, session: Session, *, region: str, partition: str, cluster_name: str, now: datetime) -> "Token":
        """A token for one cluster, signed with the session's credentials.

        The STS host is built from the partition's DNS suffix and never taken from a client's endpoint: an endpoint
        override (AWS_ENDPOINT_URL, a VPC endpoint's own name) is not a host that the verifier accepts.
        Source: aws-iam-authenticator, pkg/token/token.go, the verifier's checks; EKS user guide, "get-token".
        """
        dns_suffix = _dns_suffix(session, partition)
        credentials = session.get_credentials()
        assert credentials is not None, "a target's session always has the assumed role's credentials"  # noqa: S101
        signer = RequestSigner(
            ServiceId("STS"), region, "sts", "v4", credentials, session.get_component("event_emitter")
        )
        url = signer.generate_presigned_url(
            {
                "method": "GET",
                "url": f"https://sts.{region}.{dns_suffix}/?Action=GetCallerIdentity&Version=2011-06-15",
                "body": {},
                # Signed: STS refuses the same URL when another cluster's verifier adds its own name.
                "headers": {CLUSTER_HEADER: cluster_name},
                "context": {},
            },
            operation_name="GetCallerIdentity",
            expires_in=URL_EXPIRES_SECONDS,
            region_name=region,
        )
        encoded = base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")
        return cls(TOKEN_PREFIX + encoded, now + TOKEN_VALID_FOR)


def _dns_suffix(session: Session, partition: str) -> str:
    partitions = session.get_component("data_loader").load_data("partitions")["partitions"]
    return next(str(each["outputs"]["dnsSuffix"]) for each in partitions if each["id"] == partition)


class TokenSource:
    """The current token of one cluster; a new one before the old one is refused."""

    def __init__(
        self, sign: Callable[[datetime], Token], now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._sign = sign
        self._now = now
        self._token: Token | None = None

    def current(self) -> str:
        now = self._now()
        if self._token is None or now >= self._token.valid_until:
            self._token = self._sign(now)
        return self._token.value
