"""The token verifier takes what production code signs, and nothing else."""

import base64
import datetime
import logging
from collections.abc import Callable

import botocore.session
import pytest
from botocore.model import ServiceId
from botocore.signers import RequestSigner

from local.kubernetes.authenticator import (
    TOKEN_PREFIX,
    AccessEntry,
    Authenticator,
    Credential,
    TokenRefused,
    canonical_arn,
)

KEY, SECRET, SESSION = "ASIAEXAMPLEKEY", "secretsecret", "FwoGZX+/=" * 20
ARN = "arn:aws:sts::111122223333:assumed-role/provisioner/apply_storage"
ENTRY = AccessEntry("arn:aws:iam::111122223333:role/provisioner", "", ("team",), ("AmazonEKSClusterAdminPolicy",))


def authenticator(
    cluster: str = "demo", entries: list[AccessEntry] | None = None, age_minutes: int = 0
) -> Authenticator:
    credential = Credential(KEY, SECRET, SESSION, ARN, "AROAEXAMPLE:apply_storage", "111122223333")
    return Authenticator(
        cluster_name=cluster,
        partition="aws",
        credentials={KEY: credential}.get,
        entries=lambda: [ENTRY] if entries is None else entries,
        now=lambda: datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=age_minutes),
    )


def presigned(cluster: str = "demo", secret: str = SECRET, session_token: str = SESSION) -> str:
    """A presigned GetCallerIdentity URL made by botocore, as production makes it."""
    session = botocore.session.Session()
    session.set_credentials(KEY, secret, session_token)
    credentials = session.get_credentials()
    assert credentials is not None
    signer = RequestSigner(
        ServiceId("STS"), "eu-west-1", "sts", "v4", credentials, session.get_component("event_emitter")
    )
    request = {
        "method": "GET",
        "url": "https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15",
        "body": {},
        "headers": {"x-k8s-aws-id": cluster},
        "context": {},
    }
    url: str = signer.generate_presigned_url(request, region_name="eu-west-1", expires_in=60, operation_name="")
    return url


def token(url: str) -> str:
    return TOKEN_PREFIX + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def test_a_token_signed_by_botocore_is_the_access_entrys_user() -> None:
    user = authenticator().authenticate(token(presigned()))
    assert user is not None
    assert user.username == "arn:aws:sts::111122223333:assumed-role/provisioner/apply_storage"
    assert user.groups == ("team", "eks-access-policy:AmazonEKSClusterAdminPolicy", "system:authenticated")
    assert user.uid == "aws-iam-authenticator:111122223333:AROAEXAMPLE"
    assert user.extra["sessionName"] == ("apply_storage",)


def test_a_token_lives_fifteen_minutes_whatever_it_says() -> None:
    signed = token(presigned())
    assert authenticator(age_minutes=14).authenticate(signed) is not None
    assert authenticator(age_minutes=16).authenticate(signed) is None


def test_a_token_of_the_future_is_refused_by_sts() -> None:
    assert authenticator(age_minutes=-4).authenticate(token(presigned())) is not None
    with pytest.raises(TokenRefused, match="SignatureDoesNotMatch"):
        authenticator(age_minutes=-6).verify(token(presigned()))


def test_a_token_for_another_cluster_is_refused() -> None:
    with pytest.raises(TokenRefused, match="SignatureDoesNotMatch"):
        authenticator().verify(token(presigned("other")))


def test_a_padded_token_is_refused() -> None:
    padded = TOKEN_PREFIX + base64.urlsafe_b64encode((presigned() + "&X").encode()[:-1]).decode()
    with pytest.raises(TokenRefused, match="illegal base64"):
        authenticator().verify(padded.rstrip("=") + "=")


def test_a_role_without_an_access_entry_is_refused() -> None:
    assert authenticator(entries=[]).authenticate(token(presigned())) is None


CHANGES: dict[str, tuple[Callable[[str], str], str]] = {
    "http": (lambda url: url.replace("https", "http"), "unexpected scheme"),
    "another host": (lambda url: url.replace("amazonaws.com", "evil.example"), "unexpected hostname"),
    "the global host": (lambda url: url.replace("sts.eu-west-1.", "sts."), "not regional"),
    "a path": (lambda url: url.replace("com/?", "com/x?"), "unexpected path"),
    "an extra parameter": (lambda url: url + "&Foo=1", "non-whitelisted"),
    "a duplicate in other case": (lambda url: url + "&action=GetCallerIdentity", "duplicate"),
    "another action": (lambda url: url.replace("GetCallerIdentity", "AssumeRole"), "unexpected action"),
    "too long": (lambda url: url.replace("Expires=60", "Expires=901"), "X-Amz-Expires"),
    "an unsigned cluster": (lambda url: url.replace("%3Bx-k8s-aws-id", ""), "did not sign"),
    "another date": (lambda url: url.replace("X-Amz-Date=20", "X-Amz-Date=19"), "expired"),
    "another signature": (lambda url: url.replace("X-Amz-Signature=", "X-Amz-Signature=0"), "SignatureDoesNotMatch"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_url_is_refused_with_the_reason(name: str) -> None:
    change, reason = CHANGES[name]
    with pytest.raises(TokenRefused, match=reason):
        authenticator().verify(token(change(presigned())))


def test_a_wrong_secret_or_session_token_is_refused() -> None:
    for url in (presigned(secret="nope"), presigned(session_token="nope")):
        with pytest.raises(TokenRefused, match="sts getCallerIdentity failed"):
            authenticator().verify(token(url))


def test_a_token_over_four_kilobytes_is_refused() -> None:
    with pytest.raises(TokenRefused, match="too large"):
        authenticator().verify(TOKEN_PREFIX + "A" * 4096)


def test_a_refusal_is_logged_without_the_token(caplog: pytest.LogCaptureFixture) -> None:
    signed = token(presigned("other"))
    with caplog.at_level(logging.DEBUG, logger="local.kubernetes.authenticator"):
        authenticator().authenticate(signed)
    assert "SignatureDoesNotMatch" in str(caplog.records[0].__dict__["reason"])
    assert signed not in str(caplog.records[0].__dict__)


def test_an_assumed_role_is_its_role_and_anything_strange_is_refused() -> None:
    assert canonical_arn(ARN) == ENTRY.principal_arn
    with pytest.raises(TokenRefused):
        canonical_arn("arn:aws:s3:::bucket")
