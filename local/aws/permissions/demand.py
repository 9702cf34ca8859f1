"""What a call needs: actions on resources, each with the condition keys that AWS gives for it."""

from collections.abc import Callable, Iterable, Mapping
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
class ApiCall:
    """One request as botocore's model of the service has it: `service` and `operation` are its names."""

    service: str
    operation: str
    parameters: Mapping[str, Any]
    account_id: str
    region: str
    partition: str = "aws"

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


Demands = Callable[[ApiCall], Iterable[Demand]]


def plain(action: str) -> Demands:
    """The demands of a call that knows no resource-level permissions."""
    return lambda _call: [Demand(action)]


def request_tags(tags: Mapping[str, str]) -> Context:
    """What a call that tags has in its context."""
    if not tags:
        return {}
    return {"aws:TagKeys": tuple(tags), **{f"aws:RequestTag/{key}": value for key, value in tags.items()}}


def resource_tags(tags: Mapping[str, str]) -> Context:
    return {f"aws:ResourceTag/{key}": value for key, value in tags.items()}


def tags_of(pairs: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    """[{Key, Value}] as a mapping."""
    return {pair["Key"]: pair["Value"] for pair in pairs or []}
