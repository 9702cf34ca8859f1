"""List and watch, as a reflector needs them.

Source: Kubernetes API concepts, "Efficient detection of changes"; k8s.io/apiserver/pkg/endpoints/handlers/watch.go.
"""

import asyncio
import json
import re
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from local.kubernetes.embedded.errors import ApiError, bad_request
from local.kubernetes.embedded.queries import integer, is_set
from local.kubernetes.embedded.resources import Resource
from local.kubernetes.embedded.selectors import Matches, selector
from local.kubernetes.embedded.store import Change, Store

Object = dict[str, Any]
Render = Callable[[Object], Object]
BOOKMARK_SECONDS = 10.0
DEFAULT_TIMEOUT_SECONDS = 1800.0


def resource_version(query: Any) -> int | None:
    """The version asked for; None when none is. Raises ApiError 400."""
    text = query.get("resourceVersion", "")
    if text and not re.fullmatch(r"\d+", text):
        wrong = f'Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
        raise bad_request(f"invalid resource version: resourceVersion: {wrong}")
    return int(text) if text else None


def selected(query: Any, resource: Resource, namespace: str | None, name: str = "") -> Matches:
    by_selector = selector(resource, query.get("labelSelector", ""), query.get("fieldSelector", ""))

    def matches(obj: Object) -> bool:
        metadata = obj["metadata"]
        here = namespace in (None, metadata.get("namespace", "")) and name in ("", metadata["name"])
        return here and by_selector(obj)

    return matches


async def stream(
    request: web.Request, store: Store, resource: Resource, matches: Matches, render: Render
) -> web.StreamResponse:
    """Sends changes until the timeout or until the client goes. A version no longer known is an ERROR event."""
    since = resource_version(request.query)
    bookmarks = is_set(request.query, "allowWatchBookmarks")
    timeout_seconds = integer(request.query, "timeoutSeconds") or DEFAULT_TIMEOUT_SECONDS
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    queue = store.subscribe()

    async def send(kind: str, obj: Object) -> None:
        await response.write(json.dumps({"type": kind, "object": obj}, separators=(",", ":")).encode() + b"\n")

    try:
        # Read the past before the first await, or a change in between would be seen twice or never.
        try:
            replay = _replay(store, resource, matches, since)
        except ApiError as gone:
            await response.prepare(request)
            await send("ERROR", gone.status())
            return response
        await response.prepare(request)
        for kind, obj in replay:
            await send(kind, render(obj))
        if since is None and bookmarks and is_set(request.query, "sendInitialEvents"):
            await send("BOOKMARK", _bookmark(resource, store, initial_events_end=True))
        deadline = time.monotonic() + timeout_seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                change = await asyncio.wait_for(queue.get(), min(left, BOOKMARK_SECONDS))
            except TimeoutError:
                if bookmarks:
                    await send("BOOKMARK", _bookmark(resource, store))
                continue
            if change.resource is resource and (event := _event(change, matches)):
                await send(event[0], render(event[1]))
    except (ConnectionResetError, asyncio.CancelledError):
        pass  # the client has gone, or the server is stopping: both end the stream
    finally:
        store.unsubscribe(queue)
    return response


def _replay(store: Store, resource: Resource, matches: Matches, since: int | None) -> list[tuple[str, Object]]:
    if not since:
        return [("ADDED", obj) for obj in store.select(resource) if matches(obj)]
    events = (_event(change, matches) for change in store.since(since) if change.resource is resource)
    return [event for event in events if event]


def _event(change: Change, matches: Matches) -> tuple[str, Object] | None:
    """The change as this watcher sees it: an object that leaves its selection is deleted for it."""
    before = change.previous is not None and matches(change.previous)
    after = change.type != "DELETED" and matches(change.object)
    if after:
        return ("MODIFIED" if before else "ADDED"), change.object
    if before and change.previous is not None:
        if change.type == "DELETED":
            return "DELETED", change.object
        version = change.object["metadata"]["resourceVersion"]
        return "DELETED", {**change.previous, "metadata": {**change.previous["metadata"], "resourceVersion": version}}
    return None


def _bookmark(resource: Resource, store: Store, *, initial_events_end: bool = False) -> Object:
    metadata: Object = {"resourceVersion": str(store.version)}
    if initial_events_end:
        metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
    return {"kind": resource.kind, "apiVersion": resource.group_version, "metadata": metadata}
