"""Where the account of an event belongs: its organizational unit, and the cluster that an earlier event made for it.

Control Tower's account factory has Organizations make the account, so two events tell of it: CreateAccountResult at
once, without a unit, and CreateManagedAccount up to half an hour later, with it. Whichever comes first, the unit's
defaults are what the account gets, once.
Source: Control Tower user guide, "Provision and manage accounts with Account Factory"; Organizations API, CreateAccount
(it takes no parent: the account is moved later).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.client import BaseClient
from botocore.exceptions import ClientError

from provisioner.fleet.new_accounts import never_got_in
from provisioner.fleet.records import scan
from provisioner.observation import Observation, Reason

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ssm import SSMClient

POLL_SECONDS: Final = 60
# Only the management account and delegated administrators may ask, of accounts of their own organization.
_NOT_FOR_US: Final = frozenset({"AccessDeniedException", "AWSOrganizationsNotInUseException", "ChildNotFoundException"})


@dataclass(frozen=True)
class AccountSources:
    """Who may know: the organization, the parameters with the units' defaults, and the records of all clusters."""

    organizations: BaseClient
    ssm: "SSMClient"
    defaults_parameter: str
    dynamodb: "DynamoDBClient"
    table: str


def locate(asked: Mapping[str, Any], sources: AccountSources) -> Observation:
    """Ready when the account's unit is known, or no unit has defaults; facts {located: a partial request}.

    `located` names the unit and, when an earlier event had a cluster made for the account, that cluster with what
    cannot be changed of it, so that there is never a second one. While the unit is waited for, `because` says why.
    Raises: what `boundary_error` makes of a refused call, but for organizations that are not for us to ask.
    Source: Organizations API, ListParents; SSM API, GetParametersByPath.
    """
    recorded = _recorded(asked["account_id"], sources)
    unit_id = asked.get("organizational_unit_id") or recorded.get("organizational_unit_id")
    if unit_id is None and _units_have_defaults(sources):
        unit_id, because = _unit_of(asked["account_id"], sources.organizations)
        if unit_id is None:
            return Observation.pending(
                Reason.WAITING_FOR_ORGANIZATIONAL_UNIT,
                retry_after_seconds=POLL_SECONDS,
                located=recorded,
                because=because,
            )
    return Observation.ready_with(located=recorded | ({"organizational_unit_id": unit_id} if unit_id else {}))


def _recorded(account_id: str, sources: AccountSources) -> dict[str, Any]:
    """What an earlier event of this account asked for, as far as it cannot be changed; empty when nothing was made."""
    asked = ("cluster", "for_account_event", "organizational_unit_id", "request")
    names = (*asked, "verified_at", "claimed_by", "failure")
    items = [
        item
        for item in scan(sources.dynamodb, sources.table, *names)
        if item["cluster"]["S"].startswith(f"{account_id}#") and "for_account_event" in item and not never_got_in(item)
    ]
    if not items:
        return {}
    item = {name: value["S"] for name, value in items[0].items()}
    _, region, cluster_name = item["cluster"].split("#")
    known: dict[str, Any] = {"region": region, "cluster": {"name": cluster_name}}
    if "request" in item:
        known["network"] = json.loads(item["request"])["network"]
    if "organizational_unit_id" in item:
        known["organizational_unit_id"] = item["organizational_unit_id"]
    return known


def _units_have_defaults(sources: AccountSources) -> bool:
    return bool(sources.ssm.get_parameters_by_path(Path=sources.defaults_parameter, MaxResults=1)["Parameters"])


def _unit_of(account_id: str, organizations: BaseClient) -> tuple[str | None, str]:
    """The unit that the account is in; None, and why, while it is where accounts are made, or if we may not ask."""
    try:
        parents = organizations.get_paginator("list_parents").paginate(ChildId=account_id).build_full_result()
    except ClientError as error:
        if error.response["Error"]["Code"] in _NOT_FOR_US:
            return None, str(error)
        raise
    (parent,) = parents["Parents"]
    if parent["Type"] == "ORGANIZATIONAL_UNIT":
        return str(parent["Id"]), ""
    return None, f"{account_id} is in {parent['Id']} still"
