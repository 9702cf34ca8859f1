"""Policies that allow nothing by themselves and take away: of the organization, of the role, and of the session.

Source: IAM guide, "Policy evaluation logic" and "Troubleshoot access denied error messages" (the words); Organizations
guide, "SCP evaluation" (every level from the root down has to allow; not for the management account) and "Resource
control policies".
"""

import functools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from moto.organizations.models import FakeAccount, FakeOrganizationalUnit, organizations_backends

from local.aws.iam import Principal
from local.aws.permissions import identity
from local.aws.permissions.demand import Context, Demand
from local.aws.permissions.identity import Statement
from local.aws.policies import as_list, verdict


@dataclass(frozen=True)
class Guardrail:
    """Policies of one kind, of which one has to allow and none may deny: `said` is AWS's name for the kind."""

    said: str
    policies: tuple[tuple[str, tuple[Statement, ...]], ...]
    """(ARN or "", statements)"""

    def denies(self, demand: Demand, circumstances: Context) -> str:
        """The end of AWS's message; empty when no policy of it denies outright."""
        for arn, statements in self.policies:
            if verdict(statements, demand.action, circumstances, demand.resource) == "explicit deny":
                return f"with an explicit deny in a {self.said}" + (f": {arn}" if arn else "")
        return ""

    def lacks(self, demand: Demand, circumstances: Context) -> str:
        """The end of AWS's message; empty when a policy of it allows."""
        verdicts = [verdict(each, demand.action, circumstances, demand.resource) for _, each in self.policies]
        return "" if "allow" in verdicts else f"because no {self.said} allows the {demand.action} action"


def of(principal: Principal) -> list[Guardrail]:
    """What holds for the principal, besides what allows everything."""
    return [each for each in _all(principal) if any(_limits(statements) for _, statements in each.policies)]


def _all(principal: Principal) -> Iterator[Guardrail]:
    yield from _of_organization(principal.account_id, "SERVICE_CONTROL_POLICY", "service control policy")
    found = identity.find(principal.iam_arn) if not principal.iam_arn.endswith(":root") else None
    boundary = getattr(found, "permissions_boundary_arn", None)
    if boundary:
        yield Guardrail("permissions boundary", ((boundary, identity.managed(boundary)),))
    if principal.session_policy:
        yield Guardrail("session policy", (("", _statements(principal.session_policy)),))


def of_resource(account_id: str | None) -> list[Guardrail]:
    """Resource control policies of the account whose the resource is."""
    levels = _of_organization(account_id or "", "RESOURCE_CONTROL_POLICY", "resource control policy")
    return [each for each in levels if any(_limits(statements) for _, statements in each.policies)]


def _of_organization(account_id: str, policy_type: str, said: str) -> Iterator[Guardrail]:
    """One for each level, from the account up to the root; none in the management account."""
    for level in _levels(account_id):
        attached = [each for each in level.attached_policies if each.type == policy_type]
        if attached:
            yield Guardrail(said, tuple((each.arn, _statements(str(each.content))) for each in attached))


def levels_of(account_id: str, policy_type: str) -> list[str]:
    """The contents of what is attached from the root down to the account, of a type that is no guardrail.

    Those of the management account, which has such policies too, are left out: nothing is made in it here.
    """
    attached = [each for level in reversed(list(_levels(account_id))) for each in level.attached_policies]
    return [str(each.content) for each in attached if each.type == policy_type]


def _levels(account_id: str) -> Iterator[FakeAccount | FakeOrganizationalUnit]:
    managed_by = organizations_backends.master_accounts.get(account_id)
    if managed_by is None:
        return
    master, partition = managed_by
    backend = organizations_backends[master][partition]
    level: FakeAccount | FakeOrganizationalUnit | None = next(
        (each for each in backend.accounts if each.id == account_id), None
    )
    while level is not None:
        yield level
        level = next((unit for unit in backend.ou if unit.id == level.parent_id), None)


def _limits(statements: Iterable[Statement]) -> bool:
    """Not so of FullAWSAccess, which is attached to everything."""
    return not all(
        each["Effect"] == "Allow" and as_list(each.get("Action")) == ["*"] and not each.get("Condition")
        for each in statements
    )


@functools.lru_cache(maxsize=512)
def _statements(text: str) -> tuple[Statement, ...]:
    return tuple(as_list(json.loads(text)["Statement"]))
