"""Accounts whose event never came: events through CloudTrail are best effort."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from botocore.client import BaseClient

from provisioner.fleet.records import scan

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def find_new_accounts(
    organizations: BaseClient, units: Iterable[str], dynamodb: "DynamoDBClient", table: str
) -> list[str]:
    """Ids of the active accounts at or below `units` that no record names: neither a cluster nor a failed attempt.

    `units` are ids of organizational units or of a root. Must run in the organization's management account or in a
    delegated administrator's.
    Source: Organizations API, ListAccountsForParent (State; Status is retired), ListOrganizationalUnitsForParent.
    """
    recorded = {item["cluster"]["S"].split("#", 1)[0] for item in scan(dynamodb, table, "cluster")}
    enrolled = {account_id for unit in units for account_id in _accounts_below(organizations, unit)}
    return sorted(enrolled - recorded)


def _accounts_below(organizations: BaseClient, unit: str) -> Iterator[str]:
    for accounts in organizations.get_paginator("list_accounts_for_parent").paginate(ParentId=unit):
        yield from (account["Id"] for account in accounts["Accounts"] if account.get("State") == "ACTIVE")
    for units in organizations.get_paginator("list_organizational_units_for_parent").paginate(ParentId=unit):
        for inner in units["OrganizationalUnits"]:
            yield from _accounts_below(organizations, inner["Id"])
