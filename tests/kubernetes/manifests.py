"""Small objects of every kind the provisioner and the Fargate simulator use."""

from __future__ import annotations

from typing import Any

Manifest = dict[str, Any]

CORE = "/api/v1"
STORAGE = "/apis/storage.k8s.io/v1"
APPS = "/apis/apps/v1"
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
CLUSTER_SCOPED = {
    "Namespace": f"{CORE}/namespaces",
    "Node": f"{CORE}/nodes",
    "PersistentVolume": f"{CORE}/persistentvolumes",
    "StorageClass": f"{STORAGE}/storageclasses",
    "CSIDriver": f"{STORAGE}/csidrivers",
    "ValidatingWebhookConfiguration": f"{ADMISSION}/validatingwebhookconfigurations",
}
NAMESPACED = {
    "PersistentVolumeClaim": CORE + "/namespaces/{name}/persistentvolumeclaims",
    "Pod": CORE + "/namespaces/{name}/pods",
    "Event": CORE + "/namespaces/{name}/events",
    "ResourceQuota": CORE + "/namespaces/{name}/resourcequotas",
    "LimitRange": CORE + "/namespaces/{name}/limitranges",
    "Service": CORE + "/namespaces/{name}/services",
    "Deployment": APPS + "/namespaces/{name}/deployments",
    "ReplicaSet": APPS + "/namespaces/{name}/replicasets",
}
PATHS = {**CLUSTER_SCOPED, **NAMESPACED}


def manifest(kind: str, name: str, namespace: str) -> Manifest:
    """A minimal valid object of a kind."""
    metadata: Manifest = {"name": name}
    if kind in NAMESPACED:
        metadata["namespace"] = namespace
    prefix = next(prefix for prefix in (CORE, STORAGE, APPS, ADMISSION) if PATHS[kind].startswith(prefix + "/"))
    return {
        "apiVersion": prefix.removeprefix("/apis/").removeprefix("/api/"),
        "kind": kind,
        "metadata": metadata,
        **_content(kind, name, namespace),
    }


def _content(kind: str, name: str, namespace: str) -> Manifest:
    workload = {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": _template(name)}
    contents: dict[str, Manifest] = {
        "Namespace": {},
        "Node": {"spec": {"taints": [{"key": "eks.amazonaws.com/compute-type", "effect": "NoSchedule"}]}},
        "PersistentVolume": {"spec": volume_spec()},
        "StorageClass": {"provisioner": "efs.csi.aws.com"},
        "CSIDriver": {"spec": {"attachRequired": False}},
        "PersistentVolumeClaim": {"spec": claim_spec()},
        "Pod": {"spec": pod_spec()},
        "Service": {"spec": {"type": "LoadBalancer", "selector": {"app": name}, "ports": [{"port": 80}]}},
        "Event": {
            "involvedObject": {"kind": "Pod", "namespace": namespace, "name": name},
            "reason": "FailedMount",
            "message": "it did not mount",
            "type": "Warning",
            "source": {"component": "kubelet"},
            "count": 1,
        },
        "ResourceQuota": {"spec": {"hard": {"pods": "10", "requests.memory": "1Gi"}}},
        "LimitRange": {"spec": {"limits": [{"type": "Container", "max": {"memory": "1Gi"}}]}},
        "ValidatingWebhookConfiguration": {"webhooks": [webhook(name)]},
        "Deployment": {"spec": workload},
        "ReplicaSet": {"spec": workload},
    }
    return contents[kind]


def volume_spec() -> Manifest:
    return {
        "capacity": {"storage": "5Gi"},
        "accessModes": ["ReadWriteMany"],
        "persistentVolumeReclaimPolicy": "Retain",
        "storageClassName": "efs-sc",
        "csi": {"driver": "efs.csi.aws.com", "volumeHandle": "fs-0123456789abcdef0"},
    }


def claim_spec() -> Manifest:
    return {
        "accessModes": ["ReadWriteMany"],
        "storageClassName": "efs-sc",
        "resources": {"requests": {"storage": "5Gi"}},
    }


def pod_spec() -> Manifest:
    return {
        "containers": [
            {
                "name": "writer",
                "image": "public.ecr.aws/docker/library/busybox:1.37",
                "command": ["sh", "-c", "date"],
                "volumeMounts": [{"name": "data", "mountPath": "/data"}],
            }
        ],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "efs-claim"}}],
    }


def webhook(name: str, **changes: Any) -> Manifest:
    """One that is asked about pods that carry a label of its name, and whose service is not there."""
    return {
        "name": f"{name}.policy.example.com",
        "clientConfig": {"service": {"name": "policy", "namespace": "policy", "path": "/validate"}},
        "rules": [{"operations": ["*"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}],
        "objectSelector": {"matchLabels": {"asked": name}},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        **changes,
    }


def _template(name: str) -> Manifest:
    return {"metadata": {"labels": {"app": name}}, "spec": pod_spec()}


def changed(base: Any, path: str, value: Any) -> Any:
    """A copy with the field at a dotted path set; None removes it. Numbers are list indexes."""
    if not path:
        return value
    head, _, rest = path.partition(".")
    if isinstance(base, list):
        index = int(head)
        return [changed(item, rest, value) if at == index else item for at, item in enumerate(base)]
    copy = dict(base)
    if value is None and not rest:
        copy.pop(head, None)
    else:
        copy[head] = changed(copy.get(head, {}), rest, value)
    return copy
