"""The CloudFormation registry: what the handlers of a resource type call.

Source: the resource schemas as cfn-lint ships them, per region (cfnlint/data/schemas); their `handlers` name the
permissions of whoever has a resource created, read, updated or deleted (CloudFormation CLI guide, "handlers").
"""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from local.aws.availability import registry_folder, schemas_in

Handler = Literal["create", "read", "update", "delete"]


@dataclass(frozen=True)
class ResourceSchema:
    """`identifiers` are the properties that together name a resource; `handlers` the permissions of each handler.

    `tagged_at_creation`: whether its create handler gives it the stack's tags in the creating call, and not after it.
    """

    type_name: str
    identifiers: tuple[str, ...]
    handlers: Mapping[str, tuple[str, ...]]
    tagged_at_creation: bool

    def permissions(self, *handlers: Handler) -> tuple[str, ...]:
        """Of these handlers one after the other, each permission once."""
        return tuple(dict.fromkeys(each for handler in handlers for each in self.handlers.get(handler, ())))


@functools.cache
def resource_schema(type_name: str, region: str) -> ResourceSchema:
    """Raises: LookupError when the region has no such type."""
    name = schemas_in(region).get(type_name)
    if name is None:
        raise LookupError(f"{type_name} is not in the CloudFormation registry of {region}")
    found = json.loads((registry_folder() / "resources" / f"{name}.json").read_text(encoding="utf-8"))
    return ResourceSchema(
        type_name,
        tuple(path.rsplit("/", 1)[1] for path in found.get("primaryIdentifier", ())),
        {handler: tuple(each.get("permissions", ())) for handler, each in found.get("handlers", {}).items()},
        tagged_at_creation=bool(found.get("tagging", {}).get("tagOnCreate")),
    )


def created_by(service: str, operation: str, region: str) -> ResourceSchema | None:
    """Of what one call of botocore's `service` creates; None when that is no type of the registry."""
    wanted = f"aws::{service}::{operation.removeprefix('Create')}".lower()
    name = _lower_names(region).get(wanted) if operation.startswith("Create") else None
    return resource_schema(name, region) if name else None


@functools.cache
def _lower_names(region: str) -> Mapping[str, str]:
    return {name.lower(): name for name in schemas_in(region)}
