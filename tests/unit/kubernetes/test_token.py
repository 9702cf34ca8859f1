"""The token against the rules of its verifier, aws-iam-authenticator, written down here a second time."""

import base64
import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from functools import cache
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from botocore.session import Session
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.kubernetes.token import TOKEN_PREFIX, Token, TokenSource

ACCESS_KEY, SECRET_KEY, SESSION_TOKEN = "ASIAEXAMPLEKEY", "secret/+key", "FwoGZX" + "Ab/+=" * 120
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
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@cache
def a_session() -> Session:
    session = Session()
    session.set_credentials(ACCESS_KEY, SECRET_KEY, SESSION_TOKEN)
    return session


def token(cluster: str = "eks-example", region: str = "eu-west-1", partition: str = "aws") -> Token:
    return Token.signed(a_session(), region=region, partition=partition, cluster_name=cluster, now=NOW)


def url_of(signed: Token) -> str:
    assert signed.value.startswith("k8s-aws-v1.")
    encoded = signed.value.removeprefix(TOKEN_PREFIX)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", encoded)  # RawURLEncoding: a padding character is illegal
    return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()


def parameters_of(url: str) -> dict[str, str]:
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    assert len({name.lower() for name, _ in pairs}) == len(pairs)
    return dict(pairs)


def signature_of(url: str, cluster_of_the_verifier: str) -> str:
    """What STS computes when the verifier calls the URL with its own cluster's name in the header. AWS's SigV4."""
    parts, parameters = urlsplit(url), parameters_of(url)
    del parameters["X-Amz-Signature"]
    stamp = parameters["X-Amz-Date"]
    _, day, region, service, terminator = parameters["X-Amz-Credential"].split("/")
    query = "&".join(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in sorted(parameters.items()))
    headers = {"host": parts.netloc, "x-k8s-aws-id": cluster_of_the_verifier}
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    canonical = "\n".join(["GET", parts.path, query, lines, ";".join(sorted(headers)), hashlib.sha256(b"").hexdigest()])
    scope = f"{day}/{region}/{service}/{terminator}"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{SECRET_KEY}".encode()
    for part in (day, region, service, terminator):
        key = hmac.new(key, part.encode(), "sha256").digest()
    return hmac.new(key, to_sign.encode(), "sha256").hexdigest()


def test_the_token_is_a_small_https_question_with_allowed_parameters_only() -> None:
    signed = token()
    url = url_of(signed)
    parts, parameters = urlsplit(url), parameters_of(url)
    assert len(signed.value) <= 4096
    assert (parts.scheme, parts.netloc, parts.path) == ("https", "sts.eu-west-1.amazonaws.com", "/")
    assert {name.lower() for name in parameters} <= ALLOWED_PARAMETERS
    assert parameters["Action"] == "GetCallerIdentity"
    assert parameters["X-Amz-Expires"] == "60"
    assert parameters["X-Amz-Security-Token"] == SESSION_TOKEN
    assert "x-k8s-aws-id" in parameters["X-Amz-SignedHeaders"].split(";")


@settings(max_examples=50)
@given(st.from_regex(r"[0-9A-Za-z][A-Za-z0-9_-]{0,99}", fullmatch=True))
def test_the_signature_holds_for_its_own_cluster_and_for_no_other(cluster: str) -> None:
    url = url_of(token(cluster))
    signature = parameters_of(url)["X-Amz-Signature"]
    assert signature == signature_of(url, cluster)
    assert signature != signature_of(url, cluster + "x")


@pytest.mark.parametrize(
    ("region", "partition", "host"),
    [
        ("us-east-1", "aws", "sts.us-east-1.amazonaws.com"),
        ("cn-north-1", "aws-cn", "sts.cn-north-1.amazonaws.com.cn"),
        ("us-gov-west-1", "aws-us-gov", "sts.us-gov-west-1.amazonaws.com"),
    ],
)
def test_the_host_is_the_regional_endpoint_of_the_partition(region: str, partition: str, host: str) -> None:
    assert urlsplit(url_of(token(region=region, partition=partition))).netloc == host


def test_an_endpoint_override_does_not_leak_into_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:5000")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:5000")
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    assert urlsplit(url_of(token())).netloc == "sts.eu-west-1.amazonaws.com"


def test_a_token_is_kept_for_14_minutes_and_then_replaced() -> None:
    made: list[datetime] = []
    clock = [NOW]

    def sign(now: datetime) -> Token:
        made.append(now)
        return Token(f"token-{len(made)}", now + timedelta(minutes=14))

    source = TokenSource(sign, lambda: clock[0])
    assert [source.current(), source.current()] == ["token-1", "token-1"]
    clock[0] = NOW + timedelta(minutes=13, seconds=59)
    assert source.current() == "token-1"
    clock[0] = NOW + timedelta(minutes=14)
    assert source.current() == "token-2"
    assert token().valid_until == NOW + timedelta(minutes=14)


def test_a_token_does_not_show_in_its_repr() -> None:
    signed = token()
    assert signed.value not in repr(signed)
    assert SESSION_TOKEN not in repr(signed)
