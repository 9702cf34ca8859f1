"""What a removal is asked for, and the recorded cluster that it means."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field

from provisioner import fields
from provisioner.checking import Asked, asked_for
from provisioner.fleet.records import scan
from provisioner.given import shown
from provisioner.refusal import Problem, refusal
from provisioner.request import Request

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Record = Mapping[str, Any]
_KEY: Final = ("account_id", "region", "cluster_name")
_SHOWN: Final = 10


Reason = Annotated[str, Field(min_length=1, max_length=500), fields.Allowed("1 to 500 characters, or null")]


class DeleteData(Asked):
    """The id is asked for so that nobody deletes data by a word that slipped in."""

    file_system_id: fields.FileSystemId


class RemovalRequest(Asked):
    """One recorded cluster, named as far as it takes to tell it from the others."""

    account_id: fields.AccountId | None = None
    region: fields.Region | None = None
    cluster_name: fields.ClusterName | None = None
    mode: Literal["apply", "plan"] = "apply"
    delete_data: DeleteData | None = None
    delete_logs: bool = False
    reason: Reason | None = None


class RollBack(Asked):
    """What a run of provision that fails has its own creations removed by; `existing` was there before it.

    `may_hold_data`: others could have mounted the file system by then, which EFS does not meter for hours.
    """

    execution_arn: Annotated[str, Field(description="the ARN of the run of provision that fails")]
    request: Annotated[dict[str, Any], Field(description="that run's request")]
    existing: Annotated[dict[str, Any], Field(description="what was there before that run")]
    may_hold_data: Annotated[bool, Field(description="true or false")]

    def payload(self) -> dict[str, Any]:
        """As Removal.payload, with the status RollBack."""
        return {
            "status": "RollBack",
            "mode": "apply",
            "delete_data_of": None if self.may_hold_data else "what this run has made",
            "delete_logs": True,
            "reason": None,
            "file_system_id": None,
            "existing": self.existing,
            "request": self.request,
        }


@dataclass(frozen=True)
class Removal:
    """`request` is the recorded one; `proven` what was last proven of it, {} when no run has ended well."""

    asked: RemovalRequest
    request: Request
    record: Record

    def payload(self) -> dict[str, Any]:
        """{status: Recorded|AlreadyRemoved, removed_at, mode, delete_data_of, delete_logs, reason, file_system_id,
        existing: null, request}.
        """
        return {
            "status": "AlreadyRemoved" if self._nothing_is_left else "Recorded",
            "removed_at": self.record.get("removed_at"),
            "mode": self.asked.mode,
            "delete_data_of": self.asked.delete_data and self.asked.delete_data.file_system_id,
            "delete_logs": self.asked.delete_logs,
            "reason": self.asked.reason,
            "file_system_id": self.file_system_id,
            "existing": None,
            "request": self.request.model_dump(mode="json"),
        }

    @property
    def file_system_id(self) -> str | None:
        """The one that is recorded; None when no run has ended well. After a removal, the one that was kept."""
        if "removed_at" in self.record:
            kept = json.loads(self.record["kept_file_system"])
            return kept["id"] if kept else None
        return json.loads(self.record["proven"])["file_system"]["id"] if "proven" in self.record else None

    @property
    def _nothing_is_left(self) -> bool:
        """Of what was kept, the file system's data can still be given up."""
        return "removed_at" in self.record and not (self.asked.delete_data and self.file_system_id)


def removal(given: Any, dynamodb: "DynamoDBClient", table: str) -> "Removal | RollBack":
    """The removal that `given` asks for, of a cluster that is recorded and not protected; or a run's roll-back.

    Raises: RequestError, which lists every wrong field, its value and what is allowed: also a cluster that no record or
    more than one means, one that its own request protects, and the id of a file system that is not its own.
    """
    recorded = _Recorded(dynamodb, table)
    if isinstance(given, Mapping) and "roll_back" in given:
        return recorded.claimed_by_its_run(asked_for(RollBack, given["roll_back"], {}))
    asked = asked_for(RemovalRequest, given, {})
    found = recorded.one(asked)
    wanted = Removal(asked, Request.model_validate_json(found["request"]), found)
    problems = [*_protected(wanted), *_wrong_file_system(wanted)]
    if problems:
        raise refusal(problems)
    return wanted


def _protected(wanted: Removal) -> Iterator[Problem]:
    if wanted.request.protect and "removed_at" not in wanted.record:
        allowed = (
            "a cluster whose recorded request has protect: false; a run of provision that asks for that takes it back"
        )
        yield Problem(("cluster_name",), f"{wanted.request.cluster.name!r}, which is protected", allowed)


def _wrong_file_system(wanted: Removal) -> Iterator[Problem]:
    """Of a cluster that was never proven no id is recorded: what is there is compared before anything is removed."""
    given, recorded, lender = wanted.asked.delete_data, wanted.file_system_id, wanted.request.lender
    if given and lender:
        allowed = f"null: {wanted.request.file_system.existing} is account {lender}'s, and its data that account's"
        yield Problem(("delete_data",), shown(given.model_dump()), allowed)
    elif given and recorded and given.file_system_id != recorded:
        yield Problem(
            ("delete_data", "file_system_id"),
            shown(given.file_system_id),
            f"{recorded}, the file system that is recorded for {wanted.request.claim_key.replace('#', '/')}",
        )


@dataclass(frozen=True)
class _Recorded:
    dynamodb: "DynamoDBClient"
    table: str

    def one(self, asked: RemovalRequest) -> Record:
        """The record that is meant, its attributes as texts."""
        named = {name: getattr(asked, name) for name in _KEY if getattr(asked, name) is not None}
        if not named.keys() & {"account_id", "cluster_name"}:
            raise refusal([Problem(("cluster_name",), None, "the name of a recorded cluster, or account_id")])
        keys = ["#".join(named.values())] if named.keys() == {*_KEY} else list(self._keys(named))
        items = [item for item in map(self._item, keys) if "request" in item]
        if len(items) == 1:
            return items[0]
        raise refusal([_ambiguous(named, items) if items else _unknown(named)])

    def claimed_by_its_run(self, asked: RollBack) -> RollBack:
        """Only the run that has the cluster rolls back, under its own claim. Raises: RequestError."""
        request = Request.model_validate(asked.request)
        if self._item(request.claim_key).get("claimed_by") != asked.execution_arn:
            allowed = "the run of provision that has claimed the cluster; people name a cluster by cluster_name"
            raise refusal([Problem(("roll_back", "execution_arn"), shown(asked.execution_arn), allowed)])
        return asked

    def _keys(self, named: Mapping[str, str]) -> Iterator[str]:
        for item in scan(self.dynamodb, self.table, "cluster"):
            key = item["cluster"]["S"]
            parts = dict(zip(_KEY, key.split("#"), strict=True))
            if all(parts[name] == value for name, value in named.items()):
                yield key

    def _item(self, key: str) -> Record:
        found = self.dynamodb.get_item(TableName=self.table, Key={"cluster": {"S": key}}, ConsistentRead=True)
        return {name: str(value["S"]) for name, value in found.get("Item", {}).items() if "S" in value}


def _unknown(named: Mapping[str, str]) -> Problem:
    *_, last = named
    return Problem((last,), shown(named[last]), "what a record names: no run has begun for " + _said(named))


def _ambiguous(named: Mapping[str, str], items: list[Record]) -> Problem:
    *_, last = named
    found = [item["cluster"].replace("#", "/") for item in items]
    listed = ", ".join(found[:_SHOWN]) + (f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else "")
    return Problem(
        (last,), shown(named[last]), f"one of several, told by account_id, region and cluster_name: {listed}"
    )


def _said(named: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in named.items())
