"""Undoes monkey patches of moto, so that a second server in the same process starts from the real thing."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

Snapshot = list[tuple[ModuleType | type, dict[str, Any]]]


def remember() -> Snapshot:
    """The attributes of every module of moto and of every class defined there, as they are now."""
    snapshot: Snapshot = []
    for name, module in list(sys.modules.items()):
        if (name == "moto" or name.startswith("moto.")) and module is not None:
            snapshot.append((module, dict(vars(module))))
            snapshot += [
                (value, dict(vars(value)))
                for value in vars(module).values()
                if isinstance(value, type) and value.__module__ == name
            ]
    return snapshot


def restore(snapshot: Snapshot) -> None:
    """Put back what was replaced and remove what was added to classes; what modules gained since (imports) stays."""
    for owner, attributes in snapshot:
        now = dict(vars(owner))
        for name, value in attributes.items():
            if name not in now or now[name] is not value:
                _set(owner, name, value)
        if isinstance(owner, type):
            for name in now.keys() - attributes.keys():
                _delete(owner, name)


def _set(owner: ModuleType | type, name: str, value: Any) -> None:
    if name not in ("__dict__", "__weakref__", "__doc__", "_abc_impl"):
        setattr(owner, name, value)


def _delete(owner: type, name: str) -> None:
    if not name.startswith("__"):
        delattr(owner, name)
