"""List and watch: a local copy of one resource that follows the API server, as client-go's informers do."""

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable
from typing import Literal

import aiohttp

from local.kubernetes.http_api import ApiError, KubernetesApi
from local.kubernetes.objects import Key, Object, key_of, uid_of

Change = Literal["ADDED", "MODIFIED", "DELETED"]
Handler = Callable[[Change, Object], None]
_RELIST_SECONDS = 0.3
_REMEMBERED_DELETIONS = 2000


class Informer:
    """`objects` is the copy; handlers are called after it changed, never concurrently."""

    def __init__(self, api: KubernetesApi, resource: str) -> None:
        self.objects: dict[Key, Object] = {}
        self.synced = asyncio.Event()
        self._api, self._resource = api, resource
        self._handlers: list[Handler] = []
        self._deleted_uids: OrderedDict[str, None] = OrderedDict()

    def on_change(self, handler: Handler) -> None:
        self._handlers.append(handler)

    def get(self, namespace: str, name: str) -> Object | None:
        return self.objects.get((namespace, name))

    def remember(self, obj: Object) -> None:
        """Take over the API's answer to our own write before the watch brings it, so that no loop writes twice."""
        known = self.objects.get(key_of(obj))
        if uid_of(obj) not in self._deleted_uids and (known is None or _version(known) < _version(obj)):
            self.objects[key_of(obj)] = obj

    async def run(self) -> None:
        while True:
            try:
                resource_version = await self._list()
                async for change, obj in self._api.watch(self._resource, resource_version):
                    self._take(change, obj)
            except (ApiError, aiohttp.ClientError, TimeoutError, json.JSONDecodeError):
                pass  # the next list brings everything up to date again
            await asyncio.sleep(_RELIST_SECONDS)

    async def _list(self) -> str:
        listed = await self._api.list(self._resource)
        kind = listed["kind"].removesuffix("List")  # items of a list carry no kind of their own
        items = [{**item, "kind": kind, "apiVersion": listed["apiVersion"]} for item in listed["items"]]
        present = {uid_of(item) for item in items}
        for gone in [obj for obj in self.objects.values() if uid_of(obj) not in present]:
            self._take("DELETED", gone)
        for item in items:
            known = self.objects.get(key_of(item))
            if known is None or _version(known) != _version(item):
                self._take("ADDED" if known is None else "MODIFIED", item)
        self.synced.set()
        return str(listed["metadata"]["resourceVersion"])

    def _take(self, change: str, obj: Object) -> None:
        match change:
            case "DELETED":
                self._deleted_uids[uid_of(obj)] = None
                if len(self._deleted_uids) > _REMEMBERED_DELETIONS:
                    self._deleted_uids.popitem(last=False)
                known = self.objects.get(key_of(obj))
                if known is not None and uid_of(known) == uid_of(obj):
                    del self.objects[key_of(obj)]
                self._notify("DELETED", obj)
            case "ADDED" | "MODIFIED":
                known = self.objects.get(key_of(obj))
                if known is None or _version(known) <= _version(obj):
                    self.objects[key_of(obj)] = obj
                self._notify("ADDED" if change == "ADDED" else "MODIFIED", obj)
            case _:  # BOOKMARK: nothing changed
                return

    def _notify(self, change: Change, obj: Object) -> None:
        for handler in self._handlers:
            handler(change, obj)


def _version(obj: Object) -> int:
    """Resource versions are opaque to clients, but both our API servers number them."""
    return int(obj["metadata"].get("resourceVersion", "0"))
