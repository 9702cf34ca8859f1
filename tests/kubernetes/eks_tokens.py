"""EKS-shaped tokens, good and bad, signed by botocore as `aws eks get-token` signs them."""

from __future__ import annotations

import base64
import datetime
from collections.abc import Mapping
from unittest import mock

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from local.kubernetes.authenticator import AccessEntry, Authenticator, Credential

CLUSTER = "differential"
REGION = "ap-northeast-1"
ACCOUNT = "111122223333"
POLICY_OF_ROLE = {
    "cluster-admin": ("AmazonEKSClusterAdminPolicy",),
    "editor": ("AmazonEKSEditPolicy",),
    "viewer": ("AmazonEKSViewPolicy",),
    "viewer-of-all": ("AmazonEKSAdminViewPolicy",),
    "no-policy": (),
}
ROLES = (*POLICY_OF_ROLE, "no-access-entry")


def credential(role: str) -> Credential:
    """What STS hands out for a role; the values are made up from its name."""
    return Credential(
        access_key_id=f"ASIA{role.upper().replace('-', '')}",
        secret_access_key=f"secret-of-{role}",
        session_token=f"session-of-{role}",
        arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/session",
        user_id=f"AROA{role.upper()}:session",
        account_id=ACCOUNT,
    )


def authenticator() -> Authenticator:
    """Knows every role's credentials; all but one have an access entry."""
    credentials = {each.access_key_id: each for each in map(credential, ROLES)}
    entries = [
        AccessEntry(f"arn:aws:iam::{ACCOUNT}:role/{role}", username="", groups=(), policies=policies)
        for role, policies in POLICY_OF_ROLE.items()
    ]
    return Authenticator(CLUSTER, "aws", credentials.get, lambda: entries)


def token(by: Credential, cluster: str = CLUSTER, signed_at: datetime.datetime | None = None) -> str:
    """Presign GetCallerIdentity with the cluster's name in a signed header; base64url without padding."""
    request = AWSRequest(
        "GET",
        f"https://sts.{REGION}.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15",
        headers={"x-k8s-aws-id": cluster},
    )
    credentials = Credentials(by.access_key_id, by.secret_access_key, by.session_token)
    now = signed_at or datetime.datetime.now(datetime.UTC)
    with mock.patch.object(botocore.auth, "get_current_datetime", return_value=now.replace(tzinfo=None)):
        botocore.auth.SigV4QueryAuth(credentials, "sts", REGION, expires=60).add_auth(request)
    url = request.prepare().url
    return "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def tokens(admin_token: str) -> Mapping[str, str]:
    """Every caller of the differential tests by name."""
    administrator = credential("cluster-admin")
    an_hour_ago = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    unknown = Credential("ASIAUNKNOWN", "x", "y", administrator.arn, administrator.user_id, ACCOUNT)
    forged = Credential(
        administrator.access_key_id, "a guess", administrator.session_token, administrator.arn, "x:y", ACCOUNT
    )
    return {
        "admin": admin_token,
        "": "",
        "garbage": "garbage",
        "other-cluster": token(administrator, cluster="another"),
        "expired": token(administrator, signed_at=an_hour_ago),
        "padded": token(administrator) + "==",
        "unknown-key": token(unknown),
        "forged": token(forged),
        **{role: token(credential(role)) for role in ROLES},
    }
