"""Small questions asked of Kubernetes objects, which are plain JSON here."""

import datetime as dt
from typing import Any

Object = dict[str, Any]
Key = tuple[str, str]  # (namespace, or "" for cluster-scoped kinds; name)


def key_of(obj: Object) -> Key:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def uid_of(obj: Object) -> str:
    return str(obj["metadata"]["uid"])


def is_deleting(obj: Object) -> bool:
    return bool(obj["metadata"].get("deletionTimestamp"))


def is_finished(pod: Object) -> bool:
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def is_ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def claims_of(pod: Object) -> list[str]:
    """Names of the PersistentVolumeClaims the pod's volumes use."""
    volumes = pod["spec"].get("volumes") or []
    return [volume["persistentVolumeClaim"]["claimName"] for volume in volumes if volume.get("persistentVolumeClaim")]


def controller_of(obj: Object) -> Object | None:
    """The owner reference of the object's managing controller."""
    return next((ref for ref in obj["metadata"].get("ownerReferences", []) if ref.get("controller")), None)


def timestamp() -> str:
    """metav1.Time: seconds, UTC."""
    return dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def condition(kind: str, true: bool, reason: str = "", message: str = "") -> Object:
    texts = {name: text for name, text in (("reason", reason), ("message", message)) if text}
    return {"type": kind, "status": "True" if true else "False", **texts}


def merge_conditions(
    previous: list[Object], current: list[Object], time_field: str = "lastTransitionTime"
) -> list[Object]:
    """Conditions keep the time of their last transition, not of their last writing."""
    before = {c["type"]: c for c in previous}
    merged = []
    for new in current:
        old = before.get(new["type"])
        same = old is not None and old["status"] == new["status"]
        merged.append({**new, time_field: old.get(time_field, timestamp()) if same and old else timestamp()})
    return merged
