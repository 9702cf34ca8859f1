"""Events as client-go records them: a repetition raises the count of the same Event object."""

import asyncio
import contextlib
import uuid

import aiohttp

from local.kubernetes.http_api import ApiError, KubernetesApi, NotFound
from local.kubernetes.objects import Object, timestamp


class EventRecorder:
    """Events of one component (kubelet, fargate-scheduler …). Best effort: a lost event breaks nothing."""

    def __init__(self, api: KubernetesApi, component: str) -> None:
        self._api, self._component = api, component
        self._recorded: dict[tuple[str, str, str], Object] = {}
        self._lock = asyncio.Lock()

    async def normal(self, subject: Object, reason: str, message: str, container: str = "") -> None:
        await self._record("Normal", subject, reason, message, container)

    async def warning(self, subject: Object, reason: str, message: str, container: str = "") -> None:
        await self._record("Warning", subject, reason, message, container)

    def forget(self, subject_uid: str) -> None:
        for key in [key for key in self._recorded if key[0] == subject_uid]:
            del self._recorded[key]

    async def _record(self, kind: str, subject: Object, reason: str, message: str, container: str) -> None:
        message = message[:1024]  # the API's limit
        key = (subject["metadata"]["uid"], reason, message)
        with contextlib.suppress(ApiError, aiohttp.ClientError, TimeoutError):
            async with self._lock:
                known = self._recorded.get(key)
                if known is not None:
                    repeated = {"count": known["count"] + 1, "lastTimestamp": timestamp()}
                    try:
                        self._recorded[key] = await self._api.patch("events", known, repeated, manager=self._component)
                        return
                    except NotFound:  # somebody removed it, or its namespace is new
                        pass
                event = self._new(kind, subject, reason, message, container)
                namespace = event["metadata"]["namespace"]
                self._recorded[key] = await self._api.create("events", event, namespace, manager=self._component)

    def _new(self, kind: str, subject: Object, reason: str, message: str, container: str) -> Object:
        metadata = subject["metadata"]
        namespace = metadata.get("namespace", "default")
        involved = {
            "kind": subject["kind"],
            "apiVersion": subject["apiVersion"],
            "name": metadata["name"],
            "namespace": metadata.get("namespace", ""),
            "uid": metadata["uid"],
            "resourceVersion": metadata.get("resourceVersion", ""),
            **({"fieldPath": f"spec.containers{{{container}}}"} if container else {}),
        }
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{metadata['name']}.{uuid.uuid4().hex[:16]}", "namespace": namespace},
            "involvedObject": {name: value for name, value in involved.items() if value},
            "type": kind,
            "reason": reason,
            "message": message,
            "count": 1,
            "firstTimestamp": timestamp(),
            "lastTimestamp": timestamp(),
            "source": {"component": self._component},
            "reportingComponent": self._component,
            "reportingInstance": self._component,
        }
