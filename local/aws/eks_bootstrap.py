"""What EKS itself puts into a new cluster, through its API, as field manager "eks".

The CSIDriver of EFS is there from the start, which is why Fargate pods mount EFS with no add-on installed
(eksctl#7518, aws-efs-csi-driver#1494); gp2 is the StorageClass every cluster comes with.
"""

import json
import ssl
import urllib.request
from typing import Any

from local.kubernetes.certificates import client_context
from local.kubernetes.interfaces import ControlPlane

EFS_DRIVER = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "CSIDriver",
    "metadata": {"name": "efs.csi.aws.com"},
    "spec": {"attachRequired": False, "volumeLifecycleModes": ["Persistent"]},
}
GP2 = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "gp2"},
    "provisioner": "kubernetes.io/aws-ebs",
    "parameters": {"type": "gp2", "fsType": "ext4"},
    "reclaimPolicy": "Delete",
    "volumeBindingMode": "WaitForFirstConsumer",
}
PATHS = {"CSIDriver": "csidrivers", "StorageClass": "storageclasses"}
TIMEOUT_SECONDS = 30


def prepare(plane: ControlPlane) -> None:
    """Applies what every EKS cluster has. Raises urllib.error.URLError when the API is not up."""
    context = client_context(plane.ca_pem)
    for manifest in (EFS_DRIVER, GP2):
        _apply(plane, context, manifest)


def remove_driver(plane: ControlPlane) -> None:
    """As the add-on aws-efs-csi-driver takes its CSIDriver along. Raises urllib.error.URLError."""
    _send(plane, client_context(plane.ca_pem), "DELETE", EFS_DRIVER, "")


def _apply(plane: ControlPlane, context: ssl.SSLContext, manifest: dict[str, Any]) -> None:
    _send(plane, context, "PATCH", manifest, "?fieldManager=eks&force=true")


def _send(plane: ControlPlane, context: ssl.SSLContext, method: str, manifest: dict[str, Any], query: str) -> None:
    path = f"/apis/storage.k8s.io/v1/{PATHS[manifest['kind']]}/{manifest['metadata']['name']}"
    request = urllib.request.Request(  # noqa: S310 - the address is our own control plane's
        f"{plane.url}{path}{query}",
        method=method,
        data=json.dumps(manifest).encode() if method == "PATCH" else None,
        headers={"Authorization": f"Bearer {plane.admin_token}", "Content-Type": "application/apply-patch+yaml"},
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS, context=context) as response:  # noqa: S310
        response.read()
