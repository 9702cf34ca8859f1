"""Accounts that are no longer what they were when their clusters were made for them: left out since, in another unit,
or under other defaults. That is told, and nothing is changed by it."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.client import BaseClient
from pydantic import ValidationError

from provisioner.defaults import ReadLayer, default_layers, is_default, merged
from provisioner.difference import Difference, DriftKind, Severity
from provisioner.errors import RequestError
from provisioner.fleet.new_accounts import Enrolled
from provisioner.fleet.records import scan
from provisioner.fleet.units import known_path_to, known_tag_of, why_left_out
from provisioner.request import Request

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# An event has room for 256 KiB, most of which is for what needs somebody.
_LISTED: Final = 50
# A request cannot do without one; what no default gives is the same everywhere.
_PLACE: Final = {"account_id": "000000000000", "region": "us-east-1"}

Path = tuple[str, ...]

LEFT_OUT = DriftKind(
    resource="account {account}",
    path="left_out",
    severity=Severity.INFORMATION,
    meaning="The account, or its unit, was left out since its cluster was made: today it would get none.",
    fix="nothing is changed by itself: remove {cluster} in {region} if it is not wanted any more; else leave it, or "
    "let the account in again ({actual})",
    repairable=False,
)
UNIT = DriftKind(
    resource="account {account}",
    path="organizational_unit_id",
    severity=Severity.INFORMATION,
    meaning="The account was moved to another unit since its cluster was made, or is in none of the enrolled ones.",
    fix="nothing is changed by itself: for what the defaults of its unit say, {actual}, ask for {cluster} in {region} "
    "again with that organizational_unit_id, by `mode: plan` first",
    repairable=False,
)
DEFAULT = DriftKind(
    resource="account {account}",
    path="{field}",
    severity=Severity.INFORMATION,
    meaning="The defaults of the account's unit, or of the stack, say something else than when its cluster was made.",
    fix="nothing is changed by itself: {cluster} in {region} has {expected}, and a run that does not name this field "
    "asks for {actual}; `mode: plan` says beforehand whether that can be changed",
    repairable=False,
)


@dataclass(frozen=True)
class OrganizationNow:
    """How the organization is now, and what its defaults say; `read` reads each parameter once."""

    organizations: BaseClient
    enrolled: Enrolled
    left_out: Collection[str]
    stack_defaults: str
    defaults_parameter: str
    read: ReadLayer


def find_changed_accounts(now: OrganizationNow, dynamodb: "DynamoDBClient", table: str) -> dict[str, Any]:
    """What differs for the clusters that were made without anybody's asking: {changed, changed_left_out}.

    `changed`: [{account_id, region, cluster_name, …a difference}], at most 50, the rest is counted. Whose unit is none
    of the enrolled ones is not asked for; clusters that people asked for are theirs to judge.
    Source: Organizations API, ListParents, ListTagsForResource; SSM API, GetParameter.
    """
    attributes = ("cluster", "request", "organizational_unit_id", "for_account_event", "verified_at", "removed_at")
    units: dict[str, list[str]] = {}
    changed = []
    for item in scan(dynamodb, table, *attributes):
        if "request" in item and "verified_at" in item and "removed_at" not in item and _came_by_itself(item):
            account_id, region, cluster = item["cluster"]["S"].split("#")
            names = {"account": account_id, "region": region, "cluster": cluster}
            place = {"account_id": account_id, "region": region, "cluster_name": cluster}
            differences = _differences(json.loads(item["request"]["S"]), names, now, units)
            changed += [{**place, **each.payload()} for each in differences]
    changed.sort(key=lambda each: (each["account_id"], each["cluster_name"], each["path"]))
    return {"changed": changed[:_LISTED], "changed_left_out": max(0, len(changed) - _LISTED)}


def _came_by_itself(item: Mapping[str, Any]) -> bool:
    """An account's event asked for it, or a check of the fleet, which names the account's unit."""
    return "for_account_event" in item or "organizational_unit_id" in item


def _differences(
    request: Mapping[str, Any], names: Mapping[str, str], now: OrganizationNow, known: dict[str, list[str]]
) -> Iterator[Difference]:
    """`known`: unit -> the units above it and itself, as far as they were asked for already."""
    account_id, recorded = names["account"], request.get("organizational_unit_id")
    parent = now.enrolled.accounts.get(account_id)
    unit = parent if parent is not None and parent.startswith("ou-") else None
    if recorded in now.enrolled.units and unit != recorded:
        yield UNIT.found(expected=recorded, actual=unit, **names)
    unit = unit or (None if parent else recorded)
    if unit and unit not in known:
        known[unit] = known_path_to(unit, now.organizations)[0]
    path = known[unit] if unit else []
    if because := why_left_out(account_id, known_tag_of(account_id, now.organizations)[0], path, now.left_out):
        yield LEFT_OUT.found(expected=None, actual=because, **names)
    try:
        yield from _other_defaults(request, _defaults_now(now, path), names)
    except RequestError as error:
        yield DEFAULT.found(expected=None, actual=error.subject, field="defaults", **names)


def _defaults_now(now: OrganizationNow, units: Sequence[str]) -> dict[Path, Any]:
    """Leaf of a request -> what the defaults say of it, in the form that a request's record has."""
    values = merged(default_layers(now.stack_defaults, now.defaults_parameter, units, now.read))
    try:
        full: Mapping[str, Any] = Request.model_validate({**_PLACE, **values}).model_dump(mode="json")
    except ValidationError:  # with what it is completed by, it may be right
        full = values
    return {path: _get(full, path) for path in _leaves(values)}


def _other_defaults(
    request: Mapping[str, Any], now: Mapping[Path, Any], names: Mapping[str, str]
) -> Iterator[Difference]:
    """Of a field that no default gave, only where nobody gave anything: it has what it has without any."""
    origins = request.get("from_defaults", {})
    paths = {".".join(path): path for path in (*_leaves(request), *now)}
    got = {field for field, origin in origins.items() if is_default(origin)}
    without_any = Request.model_validate(_PLACE).model_dump(mode="json")
    for field in sorted(got | {".".join(path) for path in now}):
        path = paths.get(field, tuple(field.split(".")))
        has, says = _get(request, path), now.get(path)
        nobody_gave_it = field not in origins and has == _get(without_any, path)
        if (field in got or nobody_gave_it) and has != says:
            yield DEFAULT.found(expected=has, actual=says, field=field, **names)


def _leaves(values: Mapping[str, Any], path: Path = ()) -> Iterator[Path]:
    """As `from_defaults` of a request counts them."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, (*path, name))
        else:
            yield (*path, name)


def _get(values: Any, path: Path) -> Any:
    for name in path:
        if not isinstance(values, Mapping) or name not in values:
            return None
        values = values[name]
    return values
