"""The shape of every kind, read from Kubernetes' own OpenAPI document (descriptions left out).

Everything that depends on an object's shape derives from it: unknown fields and wrong types, which lists merge by which
keys in a strategic merge patch and in server-side apply, and what /openapi answers.
Source: kube-apiserver's /openapi/v2, reduced to the kinds in resources.py and what they refer to.
"""

import json
from collections.abc import Mapping
from functools import cache, cached_property
from importlib.resources import files
from typing import Any


@cache
def definitions() -> dict[str, Any]:
    text = files(__package__).joinpath("openapi.json").read_text()
    loaded: dict[str, Any] = json.loads(text)
    return loaded


class Schema:
    """One node of a kind's shape."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.definition: str = raw.get("$ref", "").rpartition("/")[2]
        self.raw = {**definitions().get(self.definition, {}), **raw}

    @cached_property
    def type(self) -> str:
        """object, array, string, integer, number, boolean, or one of quantity, int-or-string, time, raw."""
        match self.definition.rpartition(".")[2]:
            case "Quantity":
                return "quantity"
            case "IntOrString":
                return "int-or-string"
            case "Time" | "MicroTime":
                return "time"
            case "FieldsV1":
                return "raw"
        return str(self.raw.get("type", "object"))

    @property
    def go_type(self) -> str:
        """The Go type's name, as decoding errors show it."""
        return self.definition.rpartition(".")[2]

    @cached_property
    def properties(self) -> dict[str, "Schema"]:
        return {name: _child(raw) for name, raw in self.raw.get("properties", {}).items()}

    @cached_property
    def values(self) -> "Schema | None":
        """A map's value shape; None for a struct."""
        raw = self.raw.get("additionalProperties")
        return _child(raw) if raw else None

    @cached_property
    def items(self) -> "Schema":
        return _child(self.raw["items"])

    @property
    def is_collection(self) -> bool:
        """A list or a map, as opposed to a struct."""
        return self.type == "array" or (self.type == "object" and self.values is not None)

    @cached_property
    def required(self) -> frozenset[str]:
        return frozenset(self.raw.get("required", ()))

    @cached_property
    def is_atomic(self) -> bool:
        """Owned and replaced as a whole by server-side apply."""
        if self.type == "array":
            return bool(self.raw.get("x-kubernetes-list-type", "atomic") == "atomic")
        return self.type != "object" or bool(self.raw.get("x-kubernetes-map-type") == "atomic")

    @cached_property
    def list_keys(self) -> tuple[str, ...]:
        """The keys that tell a list's items apart; none for a set."""
        return tuple(self.raw.get("x-kubernetes-list-map-keys", ()))

    @cached_property
    def merges(self) -> bool:
        """A strategic merge patch adds to this list instead of replacing it."""
        return "merge" in self.raw.get("x-kubernetes-patch-strategy", "").split(",")

    @cached_property
    def replaces_keys(self) -> bool:
        """A strategic merge patch's patchStrategy=retainKeys (Deployment strategy, volumes)."""
        return "retainKeys" in self.raw.get("x-kubernetes-patch-strategy", "").split(",")

    @cached_property
    def merge_key(self) -> str | None:
        key: str | None = self.raw.get("x-kubernetes-patch-merge-key")
        return key

    def child(self, name: str) -> "Schema | None":
        """The shape of a field or map value; None when the field does not exist."""
        return self.properties.get(name) or self.values


@cache
def schema_of(definition: str) -> Schema:
    return Schema({"$ref": f"#/definitions/{definition}"})


def _child(raw: Mapping[str, Any]) -> Schema:
    reference = raw.get("$ref", "").rpartition("/")[2]
    return schema_of(reference) if reference and len(raw) == 1 else Schema(raw)
