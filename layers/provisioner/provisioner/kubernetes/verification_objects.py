"""The objects of a verification run: writers, appender, neighbour, reader; and finding them again by their labels."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, Literal

from provisioner.kubernetes.client import KubernetesApi, Manifest
from provisioner.kubernetes.manifests import manifest, merged
from provisioner.kubernetes.proof import APPENDED_LINES, INCREMENTS_PER_WRITER, nonce_of
from provisioner.request import Request

RUN_LABEL: Final = "eks-efs-provisioner/run"
ROLE_LABEL: Final = "eks-efs-provisioner/role"
_NOBODY: Final = 65534
# An odd number: its median is one that was measured. Few, as they are made anew with every proof, and paid for.
_MEASURED_FILES: Final = 9
_SCRIPTS: Final = Path(__file__).parent / "scripts"
# Pods last: a Deployment that is still there would make its pods anew.
_KINDS: Final = ("Deployment", "Pod")

Role = Literal["writer", "appender", "neighbour", "reader"]


def writers(request: Request, run_id: str, *, measures: bool = False) -> Manifest:
    labels = _labels("writer", run_id)
    pod = _pod(request, "writer", run_id, lines=request.verification.lines_per_writer, measures=measures)
    # A Deployment's pods are always restarted; its template has no name and no kind.
    template = {"metadata": {"labels": labels}, "spec": {**pod["spec"], "restartPolicy": "Always"}}
    deployment = manifest(
        "verification-writers",
        name_of("writer", run_id),
        namespace=request.storage.namespace,
        spec={"replicas": request.verification.writers, "selector": {"matchLabels": labels}, "template": template},
    )
    return merged(deployment, {"metadata": {"labels": labels}})


def appender(request: Request, run_id: str) -> Manifest:
    return _pod(request, "appender", run_id, lines=APPENDED_LINES)


def reader(request: Request, run_id: str, *, measures: bool = False) -> Manifest:
    return _pod(request, "reader", run_id, lines=0, measures=measures)


def neighbour(request: Request, run_id: str, places: Iterable[str]) -> Manifest:
    """`places`: where it looks, below /data."""
    pod = _pod(request, "neighbour", run_id, lines=0)
    pod["spec"]["containers"][0]["env"].append({"name": "PLACES", "value": "\n".join(places)})
    return pod


def name_of(role: Role, run_id: str) -> str:
    return f"verification-{run_id}-{role}"


def pods_of(api: KubernetesApi, request: Request, run_id: str, role: Role | None = None) -> list[Manifest]:
    selector = f"{RUN_LABEL}={run_id}" + (f",{ROLE_LABEL}={role}" if role else "")
    return api.list("Pod", request.storage.namespace, labels=selector)


def remove(api: KubernetesApi, request: Request, run_id: str) -> list[Manifest]:
    """Delete everything of the run; what is still there, most of it on its way out."""
    return _remove_selected(api, f"{RUN_LABEL}={run_id}", request.storage.namespace)


def remove_writing(api: KubernetesApi, request: Request, run_id: str) -> None:
    """Delete all but a reader that a repeated call may find at work."""
    _remove_selected(api, f"{RUN_LABEL}={run_id},{ROLE_LABEL}!=reader", request.storage.namespace)


def remove_strays(api: KubernetesApi, run_ids: Iterable[str]) -> list[Manifest]:
    """Delete what earlier runs left behind in any namespace, whatever ended them; what is still there of it."""
    return _remove_selected(api, ",".join([RUN_LABEL, *(f"{RUN_LABEL}!={each}" for each in run_ids)]))


def remove_all(api: KubernetesApi) -> list[Manifest]:
    """Delete what any run left behind: to be called while no run is at work; what is still there of it."""
    return _remove_selected(api, RUN_LABEL)


def strays(api: KubernetesApi) -> list[Manifest]:
    """What runs have left behind in any namespace, while none is at work; only reads."""
    return [each for kind in _KINDS for each in api.list(kind, labels=RUN_LABEL)]


def full_name(found: Manifest) -> str:
    metadata = found["metadata"]
    return f"{found['kind']} {metadata['namespace']}/{metadata['name']}"


def _remove_selected(api: KubernetesApi, selector: str, namespace: str | None = None) -> list[Manifest]:
    found = [each for kind in _KINDS for each in api.list(kind, namespace, labels=selector)]
    for each in found:
        metadata = each["metadata"]
        # Pods of a Deployment go with it; deleted before it, they would come back.
        if "deletionTimestamp" not in metadata and not metadata.get("ownerReferences"):
            api.delete(each)
    return found


def _pod(request: Request, role: Role, run_id: str, *, lines: int, measures: bool = False) -> Manifest:
    pod = manifest("verification-pod", name_of(role, run_id), namespace=request.storage.namespace)
    scripts = [*(["measure"] if measures else []), *([] if role == "neighbour" else ["enter"]), role]
    (container,) = pod["spec"]["containers"]
    container |= {
        "image": request.verification.image,
        "args": ["".join(map(_script, scripts))],
        "env": [
            {"name": "RUN", "value": run_id},
            {"name": "NONCE", "value": nonce_of(run_id)},
            {"name": "LINE_COUNT", "value": str(lines)},
            {"name": "WRITER_COUNT", "value": str(request.verification.writers)},
            {"name": "INCREMENT_COUNT", "value": str(INCREMENTS_PER_WRITER)},
            {"name": "MEASURED_FILES", "value": str(_MEASURED_FILES if measures else 0)},
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        ],
    }
    pod["spec"]["securityContext"] |= _user(request)
    (volume,) = pod["spec"]["volumes"]
    volume["persistentVolumeClaim"] = {"claimName": request.storage.claim}
    return merged(pod, {"metadata": {"labels": _labels(role, run_id)}})


def _script(name: str) -> str:
    return (_SCRIPTS / f"{name}.sh").read_text(encoding="utf-8")


def _user(request: Request) -> dict[str, Any]:
    """Nobody in particular behind an access point, whose user EFS takes for whoever asks; else root.

    The root directory of a new file system belongs to root, with mode 755: nobody else could write.
    Source: EFS user guide, "Enforcing a user identity using an access point", "Users, groups, and permissions".
    """
    point = request.storage.access_point
    return (
        {}
        if point is None
        else {"runAsNonRoot": True, "runAsUser": point.uid or _NOBODY, "runAsGroup": point.gid or _NOBODY}
    )


def _labels(role: Role, run_id: str) -> dict[str, Any]:
    return {RUN_LABEL: run_id, ROLE_LABEL: role}
