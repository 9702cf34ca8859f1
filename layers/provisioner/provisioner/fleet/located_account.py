"""Where the account of an event belongs: its organizational unit, and the cluster that an earlier event made for it.

Control Tower's account factory has Organizations make the account, so two events tell of it: CreateAccountResult at
once, without a unit, and CreateManagedAccount up to half an hour later, with it. Whichever comes first, the unit's
defaults are what the account gets, once.
Source: Control Tower user guide, "Provision and manage accounts with Account Factory"; Organizations API, CreateAccount
(it takes no parent: the account is moved later).
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.client import BaseClient
from botocore.exceptions import ClientError

from provisioner.fleet.new_accounts import never_got_in
from provisioner.fleet.records import scan
from provisioner.fleet.units import is_not_for_us, known_path_to, known_tag_of, parent_of, why_left_out
from provisioner.observation import Observation, Reason

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ssm import SSMClient

POLL_SECONDS: Final = 60


@dataclass(frozen=True)
class AccountSources:
    """Who may know: the organization, the parameters with the units' defaults, and the records of all clusters.

    `left_out` are ids of accounts and units that get nothing by themselves.
    """

    organizations: BaseClient
    ssm: "SSMClient"
    defaults_parameter: str
    dynamodb: "DynamoDBClient"
    table: str
    left_out: Collection[str] = ()


def locate(asked: Mapping[str, Any], sources: AccountSources) -> Observation:
    """Ready when the account's unit is known, or no unit differs; facts {account_id, left_out, tag_unknown, located}.

    `left_out` says why nothing is to be made for the account, null when something is, and `tag_unknown` why the
    account's tag, which would be the first to say so, could not be looked at, "" when it could. `located` is a partial
    request: it names the unit and, when an earlier event had a cluster made for the account, that cluster with what
    cannot be changed of it, so that there is never a second one. While the unit is waited for, `because` says why.
    Raises: what `boundary_error` makes of a refused call, but for organizations that are not for us to ask.
    Source: Organizations API, ListParents; SSM API, GetParametersByPath.
    """
    account_id = asked["account_id"]
    recorded = _recorded(account_id, sources)
    unit_id, because = asked.get("organizational_unit_id") or recorded.get("organizational_unit_id"), ""
    if unit_id is None and _units_differ(sources):
        unit_id, because = _unit_of(account_id, sources.organizations)
    units = known_path_to(unit_id, sources.organizations)[0] if unit_id and sources.left_out else []
    tag, tag_unknown = known_tag_of(account_id, sources.organizations)
    left_out = why_left_out(account_id, tag, units, sources.left_out)
    if because and not left_out:
        return Observation.pending(
            Reason.WAITING_FOR_ORGANIZATIONAL_UNIT,
            retry_after_seconds=POLL_SECONDS,
            account_id=account_id,
            left_out=None,
            tag_unknown=tag_unknown,
            located=recorded,
            because=because,
        )
    located = recorded | ({"organizational_unit_id": unit_id} if unit_id else {})
    return Observation.ready_with(account_id=account_id, left_out=left_out, tag_unknown=tag_unknown, located=located)


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


def _units_differ(sources: AccountSources) -> bool:
    """Whether it matters which unit an account is in."""
    of_units = sources.ssm.get_parameters_by_path(Path=sources.defaults_parameter, MaxResults=1)["Parameters"]
    return bool(of_units) or any(each.startswith("ou-") for each in sources.left_out)


def _unit_of(account_id: str, organizations: BaseClient) -> tuple[str | None, str]:
    """The unit that the account is in; None, and why, while it is where accounts are made, or if we may not ask."""
    try:
        parent = parent_of(account_id, organizations)
    except ClientError as error:
        if is_not_for_us(error):
            return None, str(error)
        raise
    if parent["Type"] == "ORGANIZATIONAL_UNIT":
        return str(parent["Id"]), ""
    return None, f"{account_id} is in {parent['Id']} still"
