"""Accounts whose event never came: events through CloudTrail are best effort."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.client import BaseClient

from provisioner.errors import ErrorReason
from provisioner.fleet.records import scan
from provisioner.fleet.units import path_to, tag_of, why_left_out

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True)
class Enrolled:
    """The active accounts at or below the enrolled units, each with the id of what it is in, and all these units.

    `units` are ids of organizational units or of a root. Must run in the organization's management account or in a
    delegated administrator's.
    Source: Organizations API, ListAccountsForParent (State; Status is retired), ListOrganizationalUnitsForParent.
    """

    accounts: Mapping[str, str]
    units: Collection[str]

    @classmethod
    def at_or_below(cls, units: Iterable[str], organizations: BaseClient) -> "Enrolled":
        every = dict.fromkeys(each for unit in units for each in _units_at_or_below(organizations, unit))
        return cls(dict(account for unit in every for account in _accounts_in(organizations, unit)), every.keys())


def find_new_accounts(
    organizations: BaseClient,
    enrolled: Enrolled,
    dynamodb: "DynamoDBClient",
    table: str,
    left_out: Collection[str] = (),
) -> dict[str, list[dict[str, str | None]]]:
    """The enrolled accounts that no record names: {accounts, left_out}.

    `accounts` are those that are to get a cluster, [{account_id, organizational_unit_id}], and `left_out` those that
    are not, [{account_id, because}]: tagged so, or named by the argument `left_out`, themselves or their units.
    A failed attempt is a record, of which somebody was told, unless nothing could be touched: an account that came into
    its unit late had no roles then, and has them now. An account in a root has no unit, null.
    """
    recorded = {
        item["cluster"]["S"].split("#", 1)[0]
        for item in scan(dynamodb, table, "cluster", "verified_at", "claimed_by", "failure")
        if not never_got_in(item)
    }
    new = {account_id: unit for account_id, unit in sorted(enrolled.accounts.items()) if account_id not in recorded}
    in_units = {unit for unit in new.values() if unit.startswith("ou-")} if left_out else set()
    paths = {unit: path_to(unit, organizations) for unit in in_units}
    why = {
        account_id: why_left_out(account_id, tag_of(account_id, organizations), paths.get(unit, []), left_out)
        for account_id, unit in new.items()
    }
    return {
        "accounts": [
            {"account_id": account_id, "organizational_unit_id": unit if unit.startswith("ou-") else None}
            for account_id, unit in new.items()
            if why[account_id] is None
        ],
        "left_out": [{"account_id": account_id, "because": because} for account_id, because in why.items() if because],
    }


def never_got_in(item: Mapping[str, Any]) -> bool:
    """Whether all that is recorded is an attempt that could not even assume the role."""
    if "verified_at" in item or "claimed_by" in item or "failure" not in item:
        return False
    return str(json.loads(item["failure"]["S"])["cause"]).startswith(f"{ErrorReason.ROLE_NOT_ASSUMABLE}: ")


def _units_at_or_below(organizations: BaseClient, unit: str) -> Iterator[str]:
    yield unit
    for units in organizations.get_paginator("list_organizational_units_for_parent").paginate(ParentId=unit):
        for inner in units["OrganizationalUnits"]:
            yield from _units_at_or_below(organizations, inner["Id"])


def _accounts_in(organizations: BaseClient, unit: str) -> Iterator[tuple[str, str]]:
    for accounts in organizations.get_paginator("list_accounts_for_parent").paginate(ParentId=unit):
        yield from ((account["Id"], unit) for account in accounts["Accounts"] if account.get("State") == "ACTIVE")
