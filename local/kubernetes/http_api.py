"""A Kubernetes API client for the simulator: plain HTTPS, for the embedded API and a real kube-apiserver alike."""

import json
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any

import aiohttp

from local.kubernetes.certificates import client_context
from local.kubernetes.objects import Object

_GROUPS = {
    "deployments": "apps/v1",
    "replicasets": "apps/v1",
    "csidrivers": "storage.k8s.io/v1",
    "storageclasses": "storage.k8s.io/v1",
}
_IDLE_SECONDS = 3.0
"""For how long a connection stays open without a request; each is two open files where the API is in this process."""
_MERGE_PATCH = "application/merge-patch+json"


class ApiError(Exception):
    """The API's Status object of a refused request."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(f"{code} {reason}: {message}")
        self.code, self.reason = code, reason


class NotFound(ApiError):  # noqa: N818 - named as the API names it
    pass


class KubernetesApi:
    """Requests on resources by plural name. Raises ApiError (NotFound for 404), aiohttp.ClientError."""

    def __init__(self, url: str, ca_pem: str, token: str) -> None:
        self._url = url.rstrip("/")
        tls = client_context(ca_pem) if ca_pem else None
        connector = aiohttp.TCPConnector(limit=0, ssl=tls if tls else True, keepalive_timeout=_IDLE_SECONDS)
        headers = {"Authorization": f"Bearer {token}", "User-Agent": "fargate-simulator"}
        self._http = aiohttp.ClientSession(headers=headers, connector=connector)

    async def __aenter__(self) -> "KubernetesApi":
        return self

    async def __aexit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        await self._http.close()

    async def get(self, resource: str, namespace: str, name: str) -> Object:
        return await self._send("GET", self._path(resource, namespace, name))

    async def find(self, resource: str, namespace: str, name: str) -> Object | None:
        try:
            return await self.get(resource, namespace, name)
        except NotFound:
            return None

    async def version(self) -> str:
        return str((await self._send("GET", "/version")).get("gitVersion", ""))

    async def list(self, resource: str, namespace: str = "") -> Object:
        return await self._send("GET", self._path(resource, namespace))

    async def create(self, resource: str, obj: Object, namespace: str = "", *, manager: str) -> Object:
        return await self._send("POST", self._path(resource, namespace), obj, fieldManager=manager)

    async def bind(self, pod: Object, node_name: str) -> None:
        metadata = {key: pod["metadata"][key] for key in ("name", "namespace", "uid")}
        target = {"apiVersion": "v1", "kind": "Node", "name": node_name}
        body = {"apiVersion": "v1", "kind": "Binding", "metadata": metadata, "target": target}
        await self._send("POST", self._path("pods", metadata["namespace"], metadata["name"], "binding"), body)

    async def patch(self, resource: str, obj: Object, body: Object, subresource: str = "", *, manager: str) -> Object:
        """JSON merge patch; the uid in it keeps it from hitting a successor of the same name (409)."""
        metadata = obj["metadata"]
        path = self._path(resource, metadata.get("namespace", ""), metadata["name"], subresource)
        guarded = {**body, "metadata": {**body.get("metadata", {}), "uid": metadata["uid"]}}
        return await self._send("PATCH", path, guarded, _MERGE_PATCH, fieldManager=manager)

    async def patch_status(self, resource: str, obj: Object, status: Object, *, manager: str) -> Object:
        return await self.patch(resource, obj, {"status": status}, "status", manager=manager)

    async def finalize_namespace(self, namespace: Object) -> None:
        body = {**namespace, "spec": {**namespace.get("spec", {}), "finalizers": []}}
        await self._send("PUT", self._path("namespaces", "", namespace["metadata"]["name"], "finalize"), body)

    async def delete(self, resource: str, obj: Object, *, now: bool = False) -> None:
        """`now`: without grace, as the kubelet does once the containers are gone. An absent object is fine."""
        metadata = obj["metadata"]
        options: Object = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": metadata["uid"]}}
        options |= {"propagationPolicy": "Background"} | ({"gracePeriodSeconds": 0} if now else {})
        try:
            await self._send("DELETE", self._path(resource, metadata.get("namespace", ""), metadata["name"]), options)
        except NotFound:
            return
        except ApiError as error:
            if error.code != 409:  # 409: the name belongs to a successor already
                raise

    async def watch(self, resource: str, resource_version: str) -> AsyncIterator[tuple[str, Object]]:
        """Yields (ADDED | MODIFIED | DELETED, object); raises ApiError when the version is too old (410)."""
        params = {"watch": "true", "resourceVersion": resource_version}
        endless = aiohttp.ClientTimeout(total=None, sock_connect=10)
        async with self._http.get(self._url + self._path(resource), params=params, timeout=endless) as response:
            if response.status != 200:
                raise _error(response.status, await response.text())
            pending = b""
            async for chunk in response.content.iter_any():  # readline() would stop at objects over 64 KiB
                *lines, pending = (pending + chunk).split(b"\n")
                for line in filter(None, lines):
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        raise _error(event["object"].get("code", 500), json.dumps(event["object"]))
                    yield event["type"], event["object"]

    async def _send(
        self, method: str, path: str, body: Object | None = None, content_type: str = "application/json", **params: str
    ) -> Object:
        data = None if body is None else json.dumps(body)
        headers = {"Content-Type": content_type} if body is not None else {}
        async with self._http.request(method, self._url + path, data=data, headers=headers, params=params) as response:
            text = await response.text()
            if response.status >= 400:
                raise _error(response.status, text)
            parsed: Any = json.loads(text)
            return parsed if isinstance(parsed, dict) else {}

    @staticmethod
    def _path(resource: str, namespace: str = "", name: str = "", subresource: str = "") -> str:
        group = _GROUPS.get(resource)
        scope = ["namespaces", namespace] if namespace else []
        parts = ["apis", group] if group else ["api", "v1"]
        return "/" + "/".join([*parts, *scope, resource, *filter(None, (name, subresource))])


def _error(code: int, text: str) -> ApiError:
    try:
        status = json.loads(text)
    except ValueError:
        status = {}
    kind = NotFound if code == 404 else ApiError
    return kind(code, status.get("reason", ""), status.get("message", text[:200]))
