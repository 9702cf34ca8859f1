"""EKS's own hand in a cluster: its API, asked as field manager "eks".

Never under the lock of EKS: the API may ask who somebody else is, and waits for it.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, cast

from local.kubernetes.certificates import client_context
from local.kubernetes.interfaces import ControlPlane

Manifest = dict[str, Any]

COLLECTIONS = {
    "CSIDriver": "/apis/storage.k8s.io/v1/csidrivers",
    "StorageClass": "/apis/storage.k8s.io/v1/storageclasses",
    "Deployment": "/apis/apps/v1/namespaces/{namespace}/deployments",
}
TIMEOUT_SECONDS = 30


def apply(plane: ControlPlane, manifest: Mapping[str, Any]) -> None:
    """Raises urllib.error.HTTPError as the API refuses it, URLError when it does not answer."""
    _ask(plane, "PATCH", manifest, "?fieldManager=eks&force=true", manifest)


def get(plane: ControlPlane, manifest: Mapping[str, Any]) -> Manifest | None:
    """The object of that kind and name, None when there is none. Raises urllib.error.URLError."""
    try:
        return cast(Manifest, json.loads(_ask(plane, "GET", manifest)))
    except urllib.error.HTTPError as refused:
        if refused.code != 404:
            raise
        return None


def listed(plane: ControlPlane, path: str) -> list[Manifest]:
    """What `kubectl get --raw` shows of all namespaces. Raises urllib.error.URLError."""
    return cast(list[Manifest], json.loads(_send(plane, "GET", path))["items"])


def remove(plane: ControlPlane, manifest: Mapping[str, Any]) -> None:
    """And what belongs to it, in the background. Raises urllib.error.URLError, also when there is no such object."""
    _ask(plane, "DELETE", manifest, "?propagationPolicy=Background")


def _ask(
    plane: ControlPlane, method: str, about: Mapping[str, Any], query: str = "", body: Mapping[str, Any] | None = None
) -> bytes:
    collection = COLLECTIONS[about["kind"]].format_map(about["metadata"])
    return _send(plane, method, f"{collection}/{about['metadata']['name']}{query}", body)


def _send(plane: ControlPlane, method: str, path: str, body: Mapping[str, Any] | None = None) -> bytes:
    request = urllib.request.Request(  # noqa: S310 - the address is our own control plane's
        plane.url + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {plane.admin_token}", "Content-Type": "application/apply-patch+yaml"},
    )
    context = client_context(plane.ca_pem)
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS, context=context) as response:  # noqa: S310
        return cast(bytes, response.read())
