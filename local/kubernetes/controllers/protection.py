"""Volumes and claims in use are not removed: the pv-protection and pvc-protection controllers."""

from typing import ClassVar

from local.kubernetes.controllers.loop import MANAGER, Controller
from local.kubernetes.objects import Object, claims_of, is_deleting

_CLAIM_FINALIZER = "kubernetes.io/pvc-protection"
_VOLUME_FINALIZER = "kubernetes.io/pv-protection"


class ProtectionController(Controller):
    """Adds the finalizer to what lacks it, takes it off when a deleted object is no longer used."""

    watches: ClassVar[tuple[str, ...]] = ("persistentvolumes", "persistentvolumeclaims", "pods")

    async def reconcile(self) -> None:
        for claim in self.all("persistentvolumeclaims"):
            await self._protect("persistentvolumeclaims", claim, _CLAIM_FINALIZER, in_use=self._used_by_a_pod(claim))
        for volume in self.all("persistentvolumes"):
            bound = volume.get("status", {}).get("phase") == "Bound"
            await self._protect("persistentvolumes", volume, _VOLUME_FINALIZER, in_use=bound)

    def _used_by_a_pod(self, claim: Object) -> bool:
        """Scheduled pods count until they are gone; one not scheduled yet will not start with a claim being deleted."""
        namespace, name = claim["metadata"]["namespace"], claim["metadata"]["name"]
        return any(
            pod["metadata"]["namespace"] == namespace and pod["spec"].get("nodeName") and name in claims_of(pod)
            for pod in self.all("pods")
        )

    async def _protect(self, resource: str, obj: Object, finalizer: str, *, in_use: bool) -> None:
        finalizers = obj["metadata"].get("finalizers") or []
        if is_deleting(obj):
            wanted = finalizers if in_use else [name for name in finalizers if name != finalizer]
        else:
            wanted = finalizers if finalizer in finalizers else [*finalizers, finalizer]
        if wanted != finalizers:
            metadata = {"finalizers": wanted or None, "resourceVersion": obj["metadata"]["resourceVersion"]}
            patched = await self.api.patch(resource, obj, {"metadata": metadata}, manager=MANAGER)
            if wanted:
                self.informers[resource].remember(patched)
