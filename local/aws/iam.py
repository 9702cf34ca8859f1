"""Who holds which credentials, and who may assume which role.

Calls with credentials nobody handed out pass as their account's administrator: that is the person or the harness in
front of the embedded cloud. What known principals may do is for local/aws/permissions to say.
"""

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import moto.sts.urls as sts_urls
from moto.core.exceptions import AccessDeniedError
from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.iam.models import IAMBackend, Role, User, iam_backends
from moto.sts.models import AssumedRole, sts_backends
from moto.sts.responses import TokenResponse

from local.aws import iam_changes
from local.aws.interfaces import Cloud
from local.aws.policies import Caller, decide
from local.kubernetes.authenticator import Credential


@dataclass(frozen=True)
class Principal:
    """The caller of a request: `arn` as GetCallerIdentity says it, `iam_arn` as policies and access entries do."""

    arn: str
    iam_arn: str
    account_id: str
    session_policy: str | None = None
    """What AssumeRole was given as Policy: it limits the session."""

    def as_policy_caller(self) -> Caller:
        partition = self.arn.split(":")[1]
        account = {self.account_id, f"arn:{partition}:iam::{self.account_id}:root"}
        return Caller(frozenset({self.arn, self.iam_arn, *account}))


def install(cloud: Cloud) -> None:
    """Makes AssumeRole check that the role exists and that its trust policy allows the caller, and IAM count seconds
    and remember what was before a change.

    Source: IAM API reference, Role and User, CreateDate: as in its examples, without fractions.
    """
    sts_urls.url_paths = dict.fromkeys(sts_urls.url_paths, StrictSts.dispatch)
    for name, create in _CREATE.items():
        setattr(IAMBackend, name, _to_the_second(create))
    iam_changes.install()


_CREATE = {name: getattr(IAMBackend, name) for name in ("create_role", "create_user")}


def _to_the_second(create: Callable[..., Role | User]) -> Callable[..., Role | User]:
    @functools.wraps(create)
    def created(*arguments: Any, **options: Any) -> Role | User:
        made = create(*arguments, **options)
        made.create_date = made.create_date.replace(microsecond=0)
        return made

    return created


class StrictSts(TokenResponse):
    """moto hands out a session of any role, existing or not."""

    def assume_role(self) -> ActionResult:
        role_arn = self._get_param("RoleArn")
        caller = caller_of(self.access_key, self.current_account, self.partition)
        role = find_role(role_arn)
        context = {"sts:ExternalId": self._get_param("ExternalId"), "aws:PrincipalArn": caller.iam_arn}
        if role is None or not trusts(role, caller.as_policy_caller(), context):
            raise AccessDeniedError(caller.arn, f"sts:AssumeRole on resource: {role_arn}")
        return super().assume_role()


def trusts(role: Role, caller: Caller, context: Mapping[str, str | None]) -> bool:
    """Whether the role's trust policy lets the caller assume it, as far as the change that says so has spread."""
    trust = iam_changes.seen_trust(role)
    if trust is None:
        return False
    document = json.loads(unquote(trust))
    known = {name: value for name, value in context.items() if value is not None}
    return decide(document, caller, "sts:AssumeRole", known) == "allow"


def find_role(role_arn: str) -> Role | None:
    """The role of that ARN, in any account."""
    backend = _backend_of(role_arn)
    if backend is None:
        return None
    name = role_arn.rpartition("/")[2]
    return next((role for role in backend.get_roles() if role.name == name and role.arn == role_arn), None)


def principal_id(principal_arn: str) -> str | None:
    """The unique id behind a role's or user's ARN; None when it does not exist, as far as others see."""
    backend = _backend_of(principal_arn)
    if backend is None:
        return None
    if (role := find_role(principal_arn)) is not None:
        return None if iam_changes.seen_trust(role) is None else str(role.id)
    return next((str(user.id) for user in list(backend.users.values()) if user.arn == principal_arn), None)


def caller_of(access_key_id: str, account_id: str, partition: str) -> Principal:
    """Who signed a request; unknown credentials are the account's administrator."""
    root = f"arn:{partition}:iam::{account_id}:root"
    return known_caller(access_key_id) or Principal(arn=root, iam_arn=root, account_id=account_id)


def known_caller(access_key_id: str) -> Principal | None:
    """The role's session or the user that holds this key; None when nobody handed it out."""
    if session := _session_of(access_key_id):
        return Principal(session.arn, session.role_arn, session.account_id, session.policy or None)
    for user in _users():
        if user.has_access_key(access_key_id):
            return Principal(arn=user.arn, iam_arn=user.arn, account_id=user.account_id)
    return None


def find_credential(access_key_id: str) -> Credential | None:
    """The secret behind an access key the embedded IAM or STS handed out; None when unknown, inactive or expired."""
    session = _session_of(access_key_id)
    if session and session.expiration > utcnow():
        return Credential(
            access_key_id=access_key_id,
            secret_access_key=session.secret_access_key,
            session_token=session.session_token,
            arn=session.arn,
            user_id=session.user_id,
            account_id=session.account_id,
        )
    for user in _users():
        if user.has_access_key(access_key_id):
            key = user.get_access_key_by_id(access_key_id)
            if key.status != "Active":
                return None
            return Credential(
                access_key_id=access_key_id,
                secret_access_key=key.secret_access_key,
                session_token=None,
                arn=user.arn,
                user_id=user.id,
                account_id=user.account_id,
            )
    return None


def _session_of(access_key_id: str) -> AssumedRole | None:
    """Keys are random and nobody takes a session back: one that was found need not be looked for again."""
    if access_key_id not in _sessions:
        _sessions.update((session.access_key_id, session) for session in _assumed_roles())
    return _sessions.get(access_key_id)


_sessions: dict[str, AssumedRole] = {}


def _assumed_roles() -> Iterator[AssumedRole]:
    for account in list(sts_backends.values()):
        for backend in list(account.values()):
            yield from list(backend.assumed_roles)


def _users() -> Iterator[User]:
    for account in list(iam_backends.values()):
        for backend in list(account.values()):
            yield from list(backend.users.values())


def _backend_of(arn: Any) -> IAMBackend | None:
    parts = str(arn).split(":", 5)
    if len(parts) != 6 or parts[2] != "iam" or not re.fullmatch(r"[0-9]{12}", parts[4]):
        return None
    return iam_backends[parts[4]][parts[1]]
