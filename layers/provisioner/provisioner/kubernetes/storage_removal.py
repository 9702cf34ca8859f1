"""The storage objects on their way out of a cluster; the file system keeps its data, whatever the reclaim policy says.

Nothing deletes what a static volume stands for: on Fargate no driver runs that could.
"""

from collections.abc import Collection
from typing import Final

from provisioner.kubernetes import unlisted, verification_objects
from provisioner.kubernetes.client import KubernetesApi, Manifest
from provisioner.kubernetes.errors import AccessNotYetEffective
from provisioner.kubernetes.manifests import is_ours
from provisioner.kubernetes.storage_objects import (
    find,
    object_name,
    wanted_claim,
    wanted_csi_driver,
    wanted_storage_class,
    wanted_volume,
)
from provisioner.observation import Observation, Reason
from provisioner.request import Request

_POLL_SECONDS: Final = 5
_MOMENT_SECONDS: Final = 1  # a controller takes the finalizer away
_NAME: Final = ("namespace", "name")
# Of the kinds that are known here, those that somebody may have put into a namespace of ours.
_INHABITANTS: Final = ("PersistentVolumeClaim", "Deployment", "Pod", "Service", "ResourceQuota", "LimitRange")

# Why a namespace does not go; that something is still in it is so with every one.
_STUCK: Final = (
    "NamespaceDeletionDiscoveryFailure",
    "NamespaceDeletionGroupVersionParsingFailure",
    "NamespaceDeletionContentFailure",
    "NamespaceFinalizersRemaining",
)


def find_ours(request: Request, api: KubernetesApi) -> list[str]:
    """Names of the objects that there are and that this application made, such as "PersistentVolume efs-pv"."""
    found = [find(api, wanted) for wanted in _wanted(request, api)]
    return [name_of(each) for each in found if each is not None and is_ours(each)]


def remove(request: Request, api: KubernetesApi, kept: Collection[str]) -> Observation:
    """Converge to none of our objects but those `kept`, one after the other: what needs another one goes before it.

    The claim is deleted when no pod uses it any more: deleted before, it could not be taken back. Others' objects
    stay, and go with the cluster.
    Raises: TerminalError, RetryableError, UnsettledError.
    Source: Kubernetes, "Persistent Volumes", storage object in use protection.
    """
    try:
        return _remove(request, api, kept)
    except AccessNotYetEffective as refusal:
        return _pending(Reason.ACCESS_NOT_YET_EFFECTIVE, [str(refusal)])


def _remove(request: Request, api: KubernetesApi, kept: Collection[str]) -> Observation:
    if strays := verification_objects.remove_all(api):
        return _pending(Reason.STRAYS_TERMINATING, [verification_objects.full_name(each) for each in strays])
    for wanted in _wanted(request, api):
        found = find(api, wanted)
        if found is None or not is_ours(found) or name_of(found) in kept:
            continue
        if found["metadata"].get("deletionTimestamp") is None:
            if found["kind"] == "PersistentVolumeClaim" and (pods := _pods_using(found, api)):
                return _pending(Reason.WAITING_FOR_PODS, pods)
            if found["kind"] == "Namespace" and _is_inhabited(found, api):
                continue
            api.delete(found)
            found = find(api, wanted)
        if found is not None:
            return _pending(Reason.DELETING, [_waited_for(found)], _MOMENT_SECONDS)
    return Observation.ready_with()


def held(request: Request, api: KubernetesApi) -> list[tuple[Manifest, str]]:
    """Objects of ours that are on their way out and that others hold, each with what holds it: "finalizer x/y"."""
    found = [each for wanted in _wanted(request, api) if (each := find(api, wanted)) is not None and is_ours(each)]
    return [(each, by) for each in found if each["metadata"].get("deletionTimestamp") and (by := _held_by(each))]


def _waited_for(found: Manifest) -> str:
    by = _held_by(found)
    return f"{name_of(found)} (held by {by})" if by else name_of(found)


def _held_by(found: Manifest) -> str:
    """Not by what Kubernetes itself takes away when nothing uses the object any more.

    Source: Kubernetes documentation, Finalizers (other than Kubernetes' own are of the form domain/name); conditions of
    a namespace in k8s.io/kubernetes, pkg/controller/namespace/deletion/status_condition_utils.go.
    """
    finalizers = found["metadata"].get("finalizers") or []
    conditions = (found.get("status") or {}).get("conditions") or []
    return ", ".join(
        [f"finalizer {each}" for each in finalizers if "/" in each and not each.startswith("kubernetes.io/")]
        + [str(each.get("message")) for each in conditions if each["type"] in _STUCK and each["status"] == "True"]
    )


def _wanted(request: Request, api: KubernetesApi) -> list[Manifest]:
    """Also of volumes that the request does not list any more: with the cluster they go all the same."""
    volumes, others = request.of_each_volume, unlisted.find(request, api)
    claims = [unlisted.claim_of(each) for each in others]
    namespaces = dict.fromkeys([one.storage.namespace for one in volumes] + [each[0] for each in claims if each])
    return [
        *map(wanted_claim, volumes),
        *(
            {"kind": "PersistentVolumeClaim", "metadata": dict(zip(_NAME, each, strict=True))}
            for each in claims
            if each
        ),
        *(wanted_volume(one, "") for one in volumes),
        *others,
        wanted_storage_class(request),
        wanted_csi_driver(request),
        *({"kind": "Namespace", "metadata": {"name": each}} for each in namespaces),
    ]


def name_of(found: Manifest) -> str:
    """Claims of one name in several namespaces are several."""
    return verification_objects.full_name(found) if "namespace" in found["metadata"] else object_name(found)


def _pods_using(claim: Manifest, api: KubernetesApi) -> list[str]:
    """Those that are not through, as Kubernetes counts them."""
    return [
        verification_objects.full_name(pod)
        for pod in api.list("Pod", claim["metadata"]["namespace"])
        if (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
        and any(
            (volume.get("persistentVolumeClaim") or {}).get("claimName") == claim["metadata"]["name"]
            for volume in pod["spec"].get("volumes", [])
        )
    ]


def _is_inhabited(namespace: Manifest, api: KubernetesApi) -> bool:
    return any(api.list(kind, namespace["metadata"]["name"]) for kind in _INHABITANTS)


def _pending(reason: Reason, waiting_for: list[str], seconds: int = _POLL_SECONDS) -> Observation:
    return Observation.pending(reason, retry_after_seconds=seconds, waiting_for=waiting_for)
