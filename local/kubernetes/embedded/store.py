"""Objects by key, one growing resource version, and the recent past that watches replay from.

Used from the server's event loop only, so there are no locks: a handler that does not await sees a consistent world.
"""

import asyncio
import itertools
from collections import deque
from dataclasses import dataclass
from typing import Any

from local.kubernetes.embedded.errors import expired
from local.kubernetes.embedded.resources import Resource

Object = dict[str, Any]
Key = tuple[Resource, str, str]
HISTORY_EVENTS = 10_000


@dataclass(frozen=True)
class Change:
    """One write. Stored objects are never mutated, so events share them."""

    version: int
    resource: Resource
    type: str
    object: Object
    previous: Object | None


class Store:
    def __init__(self) -> None:
        self.version = 1
        self._objects: dict[Key, Object] = {}
        self._history: deque[Change] = deque(maxlen=HISTORY_EVENTS)
        self._watchers: set[asyncio.Queue[Change]] = set()

    def get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        return self._objects.get((resource, namespace, name))

    def select(self, resource: Resource, namespace: str | None = None) -> list[Object]:
        """In the order etcd keeps them: by namespace and name."""
        return self.select_at(self.version, resource, namespace)

    def select_at(self, version: int, resource: Resource, namespace: str | None = None) -> list[Object]:
        """What was there at a resource version. Raises ApiError 410 when that is forgotten."""
        found = {key: obj for key, obj in self._objects.items() if key[0] is resource}
        for change in reversed(self.since(version) if version < self.version else []):
            if change.resource is not resource:
                continue
            if change.previous is None:
                found.pop(_key(resource, change.object), None)
            else:
                found[_key(resource, change.object)] = change.previous
        return sorted((obj for key, obj in found.items() if namespace in (None, key[1])), key=place_of)

    def put(self, resource: Resource, obj: Object) -> Object:
        """Writes the object under a new resource version."""
        previous = self._objects.get(_key(resource, obj))
        return self._record(resource, obj, "MODIFIED" if previous else "ADDED", previous)

    def remove(self, resource: Resource, obj: Object) -> Object:
        previous = self._objects[_key(resource, obj)]
        return self._record(resource, obj, "DELETED", previous)

    def since(self, version: int) -> list[Change]:
        """Everything after a resource version. Raises ApiError 410 when that is forgotten."""
        if self._history and len(self._history) == HISTORY_EVENTS and version < self._history[0].version - 1:
            raise expired(version, self._history[0].version)
        return [change for change in self._history if change.version > version]

    def subscribe(self) -> "asyncio.Queue[Change]":
        queue: asyncio.Queue[Change] = asyncio.Queue()
        self._watchers.add(queue)
        return queue

    def unsubscribe(self, queue: "asyncio.Queue[Change]") -> None:
        self._watchers.discard(queue)

    def forget_history(self) -> None:
        """Compaction: watches from an older resource version are told to list again."""
        self._history.extend(
            itertools.repeat(Change(self.version + 1, _NOTHING, "COMPACTED", {}, None), HISTORY_EVENTS)
        )

    def _record(self, resource: Resource, obj: Object, kind: str, previous: Object | None) -> Object:
        self.version += 1
        metadata = {**obj["metadata"], "resourceVersion": str(self.version)}
        stored = {**obj, "metadata": metadata}
        if kind == "DELETED":
            del self._objects[_key(resource, obj)]
        else:
            self._objects[_key(resource, obj)] = stored
        change = Change(self.version, resource, kind, stored, previous)
        self._history.append(change)
        for queue in self._watchers:
            queue.put_nowait(change)
        return stored


_NOTHING = Resource("", "", "", False)


def place_of(obj: Object) -> tuple[str, str]:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _key(resource: Resource, obj: Object) -> Key:
    return resource, *place_of(obj)
