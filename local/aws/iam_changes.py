"""IAM spreads what was changed: for a while the rest of AWS sees a role, and what it may do, as it was before.

IAM itself tells the new state at once; everybody else acts by `seen_trust` and `seen_policies`. How long a change takes
is for DELAYS to say, by role, and nothing by default: on AWS, CloudFormation waits until what it makes can be used, so
that a deployment's functions and machines find their roles; and hundreds of tests change a policy to see what a call
then does. A fault gives the roles in question their time.

Source: IAM guide, "Troubleshoot IAM", "Changes that I make are not always immediately visible".
"""

import functools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal

from moto.iam.models import IAMBackend, ManagedPolicy, Role, User

Kind = Literal["trust", "policies"]

DELAYS: dict[tuple[str, Kind], float] = {}
"""(A role's ARN, which may have wildcards, what was changed) -> seconds here until others see it."""


@dataclass(frozen=True)
class Policies:
    """Inline ones by name, managed ones by ARN; each as IAM keeps its document."""

    inline: Mapping[str, Any]
    managed: Mapping[str, Any]


@dataclass(frozen=True)
class _Change:
    made_at: float
    """time.monotonic()"""
    before: Any


_changes: dict[tuple[str, Kind], list[_Change]] = {}
"""(A role's unique id, what was changed) -> in order."""


def install() -> None:
    """Every call that changes a role leaves what was before it."""
    for name, kind in _CHANGES.items():
        setattr(IAMBackend, name, _noted(getattr(IAMBackend, name), kind))
    setattr(IAMBackend, "create_role", _made(IAMBackend.create_role))  # noqa: B010


def seen_trust(role: Role) -> str | None:
    """The role's trust policy as others see it; None: to them there is no such role yet."""
    change = _not_yet_seen(role, "trust")
    return role.assume_role_policy_document if change is None else change.before


def seen_policies(principal: Role | User) -> Policies:
    """What a role or user may do as others see it."""
    change = _not_yet_seen(principal, "policies")
    return _kept(principal) if change is None else change.before


def default_document(policy: ManagedPolicy) -> Any:
    return next(version.document for version in policy.versions if version.is_default)


def _not_yet_seen(principal: Role | User, kind: Kind) -> _Change | None:
    """The earliest change that others do not see yet: to them everything is as it was before it."""
    changes, arn = _changes.get((principal.id, kind), ()), principal.arn
    if not changes:
        return None
    delay = max(
        (delay for (pattern, of), delay in DELAYS.items() if of == kind and fnmatchcase(arn, pattern)), default=0
    )
    return next((change for change in changes if change.made_at > time.monotonic() - delay), None)


def _kept(principal: Role | User) -> Policies:
    managed = {arn: default_document(policy) for arn, policy in dict(principal.managed_policies).items()}
    return Policies(dict(principal.policies), managed)


def _note(role: Role, kind: Kind, before: Any) -> None:
    _changes.setdefault((role.id, kind), []).append(_Change(time.monotonic(), before))


def _made(create: Callable[..., Role]) -> Callable[..., Role]:
    @functools.wraps(create)
    def created(*arguments: Any, **options: Any) -> Role:
        role = create(*arguments, **options)
        _note(role, "trust", None)
        _note(role, "policies", Policies({}, {}))
        return role

    return created


def _noted(change: Callable[..., Any], kind: Kind) -> Callable[..., Any]:
    @functools.wraps(change)
    def changed(self: IAMBackend, *arguments: Any, **options: Any) -> Any:
        given = {*map(str, arguments), *map(str, options.values())}
        roles = [each for each in list(self.roles.values()) if {each.name, *each.managed_policies} & given]
        for role in roles:
            _note(role, kind, role.assume_role_policy_document if kind == "trust" else _kept(role))
        return change(self, *arguments, **options)

    return changed


_CHANGES: Mapping[str, Kind] = {
    "attach_role_policy": "policies",
    "create_policy_version": "policies",
    "delete_role_policy": "policies",
    "detach_role_policy": "policies",
    "put_role_policy": "policies",
    "set_default_policy_version": "policies",
    "update_assume_role_policy": "trust",
}
