"""Decides who a bearer token is, by the rules EKS's aws-iam-authenticator follows.

The real one sends the presigned URL to STS with its own cluster's name in the signed header; here the same signature
is recomputed from the credentials the embedded IAM handed out, so a token for another cluster fails the same way.
Source: kubernetes-sigs/aws-iam-authenticator pkg/token/token.go (verifier) and pkg/arn (canonical ARNs).
"""

import base64
import binascii
import datetime
import hashlib
import hmac
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlsplit

from local.kubernetes.interfaces import ACCESS_POLICY_GROUP_PREFIX, KubernetesUser

logger = logging.getLogger(__name__)

TOKEN_PREFIX = "k8s-aws-v1."
CLUSTER_HEADER = "x-k8s-aws-id"
MAX_TOKEN_BYTES = 4096
MAX_EXPIRES_SECONDS = 900
VALIDITY = datetime.timedelta(minutes=15)
TOLERANCE = datetime.timedelta(minutes=5)
STS_SUFFIXES = {
    "aws": ("amazonaws.com", "api.aws"),
    "aws-cn": ("amazonaws.com.cn", "api.amazonwebservices.com.cn"),
    "aws-us-gov": ("amazonaws.com", "api.aws"),
}
ALLOWED_PARAMETERS = {
    "action",
    "version",
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
}


@dataclass(frozen=True)
class Credential:
    """An access key the embedded IAM or STS handed out, and whose it is."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None
    arn: str
    user_id: str
    account_id: str


@dataclass(frozen=True)
class AccessEntry:
    """An EKS access entry; `policies` are the names of its associated policies of cluster scope."""

    principal_arn: str
    username: str
    groups: tuple[str, ...]
    policies: tuple[str, ...]


@dataclass(frozen=True)
class Identity:
    """What STS GetCallerIdentity says of the token's signer."""

    arn: str
    canonical_arn: str
    account_id: str
    principal_id: str
    session_name: str
    access_key_id: str


class TokenRefused(Exception):  # noqa: N818 - a refusal is the subject here, not an error of ours
    """The token proves nothing; `reason` never contains the token."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


@dataclass(frozen=True)
class Authenticator:
    """The token verifier of one cluster."""

    cluster_name: str
    partition: str
    credentials: Callable[[str], Credential | None]
    entries: Callable[[], list[AccessEntry]]
    now: Callable[[], datetime.datetime] = _utc_now

    def authenticate(self, token: str) -> KubernetesUser | None:
        """The user a token stands for; None when the token is refused or its signer has no access entry."""
        try:
            identity = self.verify(token)
        except TokenRefused as refused:
            logger.debug("token refused", extra={"cluster": self.cluster_name, "reason": refused.reason})
            return None
        principal = identity.canonical_arn.lower()
        entry = next((entry for entry in self.entries() if entry.principal_arn.lower() == principal), None)
        if entry is None:
            reason = f"no access entry for {identity.canonical_arn}"
            logger.debug("token refused", extra={"cluster": self.cluster_name, "reason": reason})
            return None
        return _user(identity, entry)

    def verify(self, token: str) -> Identity:
        """Who signed the token. Raises TokenRefused."""
        url = urlsplit(_presigned_url(token))
        if url.scheme != "https":
            raise TokenRefused(f'unexpected scheme "{url.scheme}" in pre-signed URL')
        self._check_host(url.netloc)
        if url.path != "/":
            raise TokenRefused("unexpected path in pre-signed URL")
        pairs = parse_qsl(url.query, keep_blank_values=True)
        parameters = _allowed(pairs)
        self._check_validity(parameters)
        return self._caller_identity(url.netloc, dict(pairs), parameters)

    def _check_host(self, host: str) -> None:
        if host == "sts.amazonaws.com":
            raise TokenRefused("the global STS endpoint is not regional")
        match = re.fullmatch(r"sts(?:-fips)?\.[a-z]{2}(?:-[a-z]+)+-\d+\.(.+)", host)
        if not match or match[1] not in STS_SUFFIXES[self.partition]:
            raise TokenRefused(f'unexpected hostname "{host}" in pre-signed URL')

    def _check_validity(self, parameters: dict[str, str]) -> None:
        if parameters.get("action") != "GetCallerIdentity":
            raise TokenRefused("unexpected action parameter in pre-signed URL")
        if CLUSTER_HEADER not in parameters.get("x-amz-signedheaders", "").lower().split(";"):
            raise TokenRefused(f"client did not sign the {CLUSTER_HEADER} header in the pre-signed URL")
        expires = parameters.get("x-amz-expires", "")
        if not re.fullmatch(r"[+-]?[0-9]+", expires) or not 0 <= int(expires) <= MAX_EXPIRES_SECONDS:
            raise TokenRefused("invalid X-Amz-Expires parameter in pre-signed URL")
        date = parameters.get("x-amz-date", "")
        if not date:
            raise TokenRefused("X-Amz-Date parameter must be present in pre-signed URL")
        try:
            signed_at = datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)
        except ValueError:
            raise TokenRefused("error parsing X-Amz-Date parameter") from None
        # Fifteen minutes from signing whatever X-Amz-Expires says: the authenticator's own rule.
        if self.now() > signed_at + VALIDITY:
            raise TokenRefused("X-Amz-Date parameter is expired (15 minute expiration)")
        if signed_at > self.now() + TOLERANCE:  # by STS, whom it asks
            raise TokenRefused("sts getCallerIdentity failed: SignatureDoesNotMatch")

    def _caller_identity(self, host: str, query: dict[str, str], parameters: dict[str, str]) -> Identity:
        """Plays STS, called with this cluster's own name in the signed header."""
        access_key_id, *scope = parameters.get("x-amz-credential", "").split("/")
        credential = self.credentials(access_key_id)
        if credential is None or len(scope) != 4:
            raise TokenRefused("sts getCallerIdentity failed: InvalidClientTokenId")
        if (credential.session_token or "") != parameters.get("x-amz-security-token", ""):
            raise TokenRefused("sts getCallerIdentity failed: InvalidClientTokenId (session token)")
        headers = {"host": host, CLUSTER_HEADER: self.cluster_name}
        signed_headers = parameters["x-amz-signedheaders"].lower().split(";")
        expected = sigv4_query_signature(
            query={name: value for name, value in query.items() if name.lower() != "x-amz-signature"},
            headers={name: headers.get(name, "") for name in signed_headers},
            secret_access_key=credential.secret_access_key,
            date=parameters["x-amz-date"],
            scope="/".join(scope),
        )
        if not hmac.compare_digest(expected, parameters.get("x-amz-signature", "")):
            raise TokenRefused("sts getCallerIdentity failed: SignatureDoesNotMatch")
        principal_id, _, session_name = credential.user_id.partition(":")
        return Identity(
            arn=credential.arn,
            canonical_arn=canonical_arn(credential.arn),
            account_id=credential.account_id,
            principal_id=principal_id,
            session_name=session_name,
            access_key_id=access_key_id,
        )


def canonical_arn(arn: str) -> str:
    """The IAM ARN access entries name: assumed-role/R/S is role/R. Raises TokenRefused."""
    parts = arn.split(":", 5)
    if len(parts) != 6:
        raise TokenRefused(f'arn "{arn}" is malformed')
    _, partition, service, _, account_id, resource = parts
    kind, *names = resource.split("/")
    if (service, kind) == ("sts", "assumed-role"):
        if len(names) < 2:
            raise TokenRefused(f'assumed-role arn "{arn}" does not have a role')
        return f"arn:{partition}:iam::{account_id}:role/{'/'.join(names[:-1])}"
    if (service, kind) in {("sts", "federated-user"), ("iam", "role"), ("iam", "user"), ("iam", "root")}:
        return arn
    raise TokenRefused(f'unrecognized resource in "{arn}"')


def sigv4_query_signature(
    *, query: dict[str, str], headers: dict[str, str], secret_access_key: str, date: str, scope: str
) -> str:
    """Signature Version 4 of a presigned `GET /` with an empty body. Source: IAM guide, "Create a signed request"."""
    canonical_query = "&".join(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in sorted(query.items()))
    canonical_headers = "".join(f"{name}:{value.strip()}\n" for name, value in sorted(headers.items()))
    empty_body = hashlib.sha256(b"").hexdigest()
    request = "\n".join(["GET", "/", canonical_query, canonical_headers, ";".join(sorted(headers)), empty_body])
    text = "\n".join(["AWS4-HMAC-SHA256", date, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{secret_access_key}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), "sha256").digest()
    return hmac.new(key, text.encode(), "sha256").hexdigest()


def _presigned_url(token: str) -> str:
    if len(token) > MAX_TOKEN_BYTES:
        raise TokenRefused("token is too large")
    if not token.startswith(TOKEN_PREFIX):
        raise TokenRefused(f'token is missing expected "{TOKEN_PREFIX}" prefix')
    encoded = token.removeprefix(TOKEN_PREFIX)
    # Go's RawURLEncoding knows no padding, so "=" is as illegal as "+" and "/".
    if not re.fullmatch(r"[A-Za-z0-9_-]*", encoded):
        raise TokenRefused("illegal base64 data")
    try:
        return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise TokenRefused("illegal base64 data") from None


def _allowed(pairs: list[tuple[str, str]]) -> dict[str, str]:
    parameters: dict[str, str] = {}
    for name, value in pairs:
        key = name.lower()
        if key not in ALLOWED_PARAMETERS:
            raise TokenRefused(f'non-whitelisted query parameter "{name}"')
        if key in parameters:
            raise TokenRefused(f'duplicate query parameter found: "{name}"')
        parameters[key] = value
    return parameters


def _user(identity: Identity, entry: AccessEntry) -> KubernetesUser:
    """Source: EKS guide, "Create access entries" (default user names, {{SessionName}}) and "Review access policies"."""
    session_name = identity.session_name.replace("@", "-")
    username = (entry.username or _default_username(identity)).replace("{{SessionName}}", session_name)
    extra = {
        "arn": identity.arn,
        "canonicalArn": identity.canonical_arn,
        "principalId": identity.principal_id,
        "sessionName": session_name,
        "accessKeyId": identity.access_key_id,
    }
    return KubernetesUser(
        username=username,
        uid=f"aws-iam-authenticator:{identity.account_id}:{identity.principal_id}",
        groups=(
            *entry.groups,
            *(f"{ACCESS_POLICY_GROUP_PREFIX}{policy}" for policy in entry.policies),
            "system:authenticated",
        ),
        extra={name: (value,) for name, value in extra.items()},
    )


def _default_username(identity: Identity) -> str:
    arn = identity.canonical_arn
    if ":role/" not in arn:
        return arn
    partition, role_name = arn.split(":")[1], arn.rsplit("/", 1)[-1]
    return f"arn:{partition}:sts::{identity.account_id}:assumed-role/{role_name}/{{{{SessionName}}}}"
