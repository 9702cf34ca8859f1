"""Reading an event's detail without trust: what is not there, or is of another kind, counts as nothing."""

from collections.abc import Mapping, Sequence
from typing import Any

from provisioner.notification.harmless import name

Detail = Mapping[str, Any]


def part(detail: Detail, key: str) -> Detail:
    found = detail.get(key)
    return found if isinstance(found, Mapping) else {}


def text(detail: Detail, *path: str) -> str:
    for key in path[:-1]:
        detail = part(detail, key)
    found = detail.get(path[-1])
    return found if isinstance(found, str) else ""


def listed(detail: Detail, key: str) -> Sequence[Detail]:
    found = detail.get(key)
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def number(value: object) -> int:
    return value if isinstance(value, int) else 0


def place(detail: Detail) -> str:
    """Which cluster in which account and region, as every first line begins."""
    account, region = name(text(detail, "account_id"), 12), name(text(detail, "region"), 20)
    about = name(text(detail, "cluster", "name"))
    return f"{about} in account {account}, {region}" if about else "A request that was refused"


def counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
