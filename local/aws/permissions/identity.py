"""The identity policies of roles and users: inline ones and attached managed ones."""

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from moto.iam.models import Role, User, iam_backends

from local.aws import iam, iam_changes
from local.aws.policies import as_list

Statement = Mapping[str, Any]


@dataclass(frozen=True)
class Policy:
    """`name` is an inline policy's name, or a managed policy's ARN."""

    name: str
    statements: tuple[Statement, ...]


ROOT = Policy("root", ({"Effect": "Allow", "Action": "*", "Resource": "*"},))
"""The root user has no policies, and may do everything in its account. Source: IAM guide, "Policy evaluation logic"."""


def policies_of(principal_arn: str) -> list[Policy]:
    """Of a role or a user, as others see it; none of anybody else, who may then do nothing, but for a root user."""
    if principal_arn.endswith(":root"):
        return [ROOT]
    principal = find(principal_arn)
    if principal is None:
        return []
    return [Policy(name, _statements(text)) for name, text in _documents(principal).items()]


def _documents(principal: Role | User) -> dict[str, str]:
    seen = iam_changes.seen_policies(principal)
    return {name: _text(document) for name, document in {**seen.inline, **seen.managed}.items()}


def managed(policy_arn: str) -> tuple[Statement, ...]:
    """Of a managed policy's default version; none of one that is gone, which then allows nothing."""
    account_id = policy_arn.split(":")[4]
    backend = iam_backends[account_id if account_id.isdigit() else "123456789012"][policy_arn.split(":")[1]]
    policy = backend.managed_policies.get(policy_arn)
    if policy is None:
        return ()
    return _statements(iam_changes.default_document(policy))


def statements_of(principal_arn: str) -> Iterator[Statement]:
    for policy in policies_of(principal_arn):
        yield from policy.statements


def find(principal_arn: str) -> Role | User | None:
    parts = principal_arn.split(":", 5)
    if parts[5].startswith("role/"):
        return iam.find_role(principal_arn)
    users = iam_backends[parts[4]][parts[1]].users.values()
    return next((user for user in users if user.arn == principal_arn), None)


def may_do_everything(principal_arn: str) -> bool:
    """An administrator: what exactly a call needs is then of no interest."""
    if principal_arn.endswith(":root"):
        return True
    principal = find(principal_arn)
    return principal is not None and _allow_everything(*_documents(principal).values())


@functools.lru_cache(maxsize=512)
def _allow_everything(*documents: str) -> bool:
    statements = [statement for document in documents for statement in _statements(document)]
    everything = {"Effect": "Allow", "Action": ["*"], "Resource": ["*"]}
    return all(statement["Effect"] == "Allow" for statement in statements) and any(
        {name: statement[name] if name == "Effect" else as_list(statement[name]) for name in everything} == everything
        for statement in statements
        if everything.keys() == statement.keys() - {"Sid"}
    )


def _text(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document, default=str)


@functools.lru_cache(maxsize=512)
def _statements(text: str) -> tuple[Statement, ...]:
    return tuple(as_list(json.loads(text if text.lstrip().startswith("{") else unquote(text))["Statement"]))
