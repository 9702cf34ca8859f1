"""What a call needs: actions on resources, each with the condition keys that AWS gives for it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

ContextValue = str | tuple[str, ...]
Context = Mapping[str, ContextValue]


@dataclass(frozen=True)
class Demand:
    """One action on one resource. Where AWS knows no resource-level permissions the resource is `*`.

    `refusal` is the (code, message) of services that do not answer with the usual denial; `granted` happens once the
    whole call is allowed.
    """

    action: str
    resource: str = "*"
    context: Context = field(default_factory=dict)
    refusal: tuple[str, str] | None = None
    granted: Callable[[], None] | None = None


@dataclass(frozen=True)
class Place:
    """Where a request is made, and its resources are unless they are named otherwise."""

    account_id: str
    region: str
    partition: str = "aws"


@dataclass(frozen=True)
class ApiCall(Place):
    """One request as botocore's model of the service has it: `service` and `operation` are its names."""

    service: str = field(kw_only=True)
    operation: str = field(kw_only=True)
    parameters: Mapping[str, Any] = field(kw_only=True)

    @property
    def name(self) -> str:
        return f"{self.service}:{self.operation}"

    def __getitem__(self, parameter: str) -> Any:
        return self.parameters[parameter]

    def get(self, parameter: str) -> Any:
        return self.parameters.get(parameter)

    def arn(self, service: str, resource: str) -> str:
        """Of a resource in the call's own account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{resource}"

    @property
    def tags(self) -> dict[str, str]:
        """That the call gives to what it makes."""
        if isinstance(self.get("tags"), Mapping):
            return dict(self["tags"])
        specified = [tag for each in self.get("TagSpecifications") or [] for tag in each.get("Tags", [])]
        return tags_of([*specified, *(self.get("Tags") or self.get("tags") or [])])

    def scalars(self) -> Iterator[tuple[str, Any]]:
        """Every member of the request that is no structure, however deep, with its name."""
        return _scalars("", self.parameters)


def _scalars(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _scalars(key, each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _scalars(name, each)
    elif value is not None:
        yield name, value


def request_tags(tags: Mapping[str, str]) -> Context:
    """What a call that tags has in its context."""
    if not tags:
        return {}
    return {"aws:TagKeys": tuple(tags), **{f"aws:RequestTag/{key}": value for key, value in tags.items()}}


def tags_of(pairs: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """[{Key, Value}] as a mapping."""
    return {pair["Key"]: pair["Value"] for pair in pairs or []}
