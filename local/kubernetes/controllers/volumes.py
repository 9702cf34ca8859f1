"""The PersistentVolume binder: claims find volumes, volumes follow their claims.

Source: kubernetes/pkg/controller/volume/persistentvolume/pv_controller.go (syncUnboundClaim, syncBoundClaim …).
"""

import re
from typing import Any, ClassVar

from local.kubernetes.controllers.loop import MANAGER, Controller
from local.kubernetes.events import EventRecorder
from local.kubernetes.objects import Object, is_deleting, uid_of

BIND_COMPLETED = "pv.kubernetes.io/bind-completed"
BETA_STORAGE_CLASS = "volume.beta.kubernetes.io/storage-class"
BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
_UNITS = {"k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15, "E": 10**18, "m": 10**-3}
_UNITS |= {f"{letter}i": 2 ** (10 * power) for power, letter in enumerate("KMGTPE", start=1)}


class VolumeBinder(Controller):
    watches: ClassVar[tuple[str, ...]] = ("persistentvolumes", "persistentvolumeclaims")

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._events = EventRecorder(self.api, "persistentvolume-controller")
        self._announced: set[tuple[str, str]] = set()

    async def reconcile(self) -> None:
        for volume in self.all("persistentvolumes"):
            await self._sync_volume(volume)
        for claim in self.all("persistentvolumeclaims"):
            if BIND_COMPLETED in (claim["metadata"].get("annotations") or {}):
                await self._sync_bound_claim(claim)
            else:
                await self._sync_unbound_claim(claim)

    async def _sync_volume(self, volume: Object) -> None:
        reference = volume["spec"].get("claimRef")
        if not reference or not reference.get("uid"):  # none, or reserved for a claim that does not exist yet
            await self._phase("persistentvolumes", volume, "Available")
            return
        claim = self.informers["persistentvolumeclaims"].get(reference["namespace"], reference["name"])
        if claim is None:  # the copy may be behind: only the API knows that a claim is gone
            claim = await self.api.find("persistentvolumeclaims", reference["namespace"], reference["name"])
        if claim is None or uid_of(claim) != reference["uid"]:
            if volume.get("status", {}).get("phase") != "Failed":
                # reclaim policy Delete would be the external provisioner's work; on Fargate there is none
                await self._phase("persistentvolumes", volume, "Released")
        elif claim["spec"].get("volumeName") == volume["metadata"]["name"]:
            await self._phase("persistentvolumes", volume, "Bound")

    async def _sync_bound_claim(self, claim: Object) -> None:
        name = claim["spec"].get("volumeName")
        if not name:
            await self._lost(
                claim, "ClaimLost", "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!"
            )
            return
        volume = self.informers["persistentvolumes"].get("", name) or await self.api.find("persistentvolumes", "", name)
        if volume is None:
            await self._lost(
                claim, "ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!"
            )
            return
        reference = volume["spec"].get("claimRef")
        if not reference or (_points_at(reference, claim) and not reference.get("uid")):
            await self._bind(volume, claim)
        elif reference.get("uid") == uid_of(claim):
            await self._claim_bound(volume, claim)
        else:
            await self._lost(
                claim, "ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly"
            )

    async def _sync_unbound_claim(self, claim: Object) -> None:
        if is_deleting(claim):
            return
        name = claim["spec"].get("volumeName")
        if not name:
            volume = self._best_volume(claim)
            if volume:
                await self._bind(volume, claim)
            else:
                await self._phase("persistentvolumeclaims", claim, "Pending")
                await self._announce(claim)
            return
        volume = self.informers["persistentvolumes"].get("", name)
        reference = (volume or {}).get("spec", {}).get("claimRef")
        if volume is None or (reference and not _points_at(reference, claim)) or is_deleting(volume):
            await self._phase("persistentvolumeclaims", claim, "Pending")
        elif mismatch := _mismatch(volume, claim):
            await self._phase("persistentvolumeclaims", claim, "Pending")
            await self._once(claim, "VolumeMismatch", f'Cannot bind to requested volume "{name}": {mismatch}')
        else:
            await self._bind(volume, claim)

    def _best_volume(self, claim: Object) -> Object | None:
        """A volume reserved for the claim, else the smallest that fits."""
        fitting = []
        for volume in self.all("persistentvolumes"):
            reference = volume["spec"].get("claimRef")
            if is_deleting(volume) or _mismatch(volume, claim) or not _selected(volume, claim):
                continue
            if reference and _points_at(reference, claim):
                return volume
            if not reference and volume.get("status", {}).get("phase") in ("Available", "Pending", None):
                fitting.append(volume)
        return min(fitting, key=lambda volume: quantity(volume["spec"]["capacity"]["storage"]), default=None)

    async def _bind(self, volume: Object, claim: Object) -> None:
        """In the order that survives a crash at any line: the volume first."""
        reference = volume["spec"].get("claimRef") or {}
        if reference.get("uid") != uid_of(claim):
            body: Object = {"spec": {"claimRef": _reference_to(claim)}}
            if not reference:
                body["metadata"] = {"annotations": {BOUND_BY_CONTROLLER: "yes"}}
            # the version makes a volume that somebody else took meanwhile a conflict
            body.setdefault("metadata", {})["resourceVersion"] = volume["metadata"]["resourceVersion"]
            volume = await self.api.patch("persistentvolumes", volume, body, manager=MANAGER)
            self.informers["persistentvolumes"].remember(volume)
        await self._phase("persistentvolumes", volume, "Bound")
        annotations = {BIND_COMPLETED: "yes"}
        if not claim["spec"].get("volumeName"):
            annotations[BOUND_BY_CONTROLLER] = "yes"
        name = volume["metadata"]["name"]
        body = {"spec": {"volumeName": name}, "metadata": {"annotations": annotations}}
        claim = await self.api.patch("persistentvolumeclaims", claim, body, manager=MANAGER)
        self.informers["persistentvolumeclaims"].remember(claim)
        await self._claim_bound(volume, claim)

    async def _claim_bound(self, volume: Object, claim: Object) -> None:
        spec = volume["spec"]
        status = {"phase": "Bound", "accessModes": spec["accessModes"], "capacity": spec["capacity"]}
        if any(claim.get("status", {}).get(name) != value for name, value in status.items()):
            patched = await self.api.patch_status("persistentvolumeclaims", claim, status, manager=MANAGER)
            self.informers["persistentvolumeclaims"].remember(patched)
        await self._phase("persistentvolumes", volume, "Bound")

    async def _phase(self, resource: str, obj: Object, phase: str) -> None:
        if obj.get("status", {}).get("phase") != phase:
            patched = await self.api.patch_status(resource, obj, {"phase": phase}, manager=MANAGER)
            self.informers[resource].remember(patched)

    async def _lost(self, claim: Object, reason: str, message: str) -> None:
        await self._phase("persistentvolumeclaims", claim, "Lost")
        await self._once(claim, reason, message)

    async def _announce(self, claim: Object) -> None:
        """Why the claim waits. The volume may be created by hand at any time."""
        class_name = claim["spec"].get("storageClassName") or ""
        if not class_name:
            text = "no persistent volumes available for this claim and no storage class is set"
            await self._once(claim, "FailedBinding", text, normal=True)
            return
        storage_class = await self.api.find("storageclasses", "", class_name)
        if storage_class is None:
            text = f'storageclass.storage.k8s.io "{class_name}" not found'
            await self._once(claim, "ProvisioningFailed", text)
        elif storage_class.get("volumeBindingMode") == "WaitForFirstConsumer":
            text = "waiting for first consumer to be created before binding"
            await self._once(claim, "WaitForFirstConsumer", text, normal=True)
        else:
            text = (
                "Waiting for a volume to be created either by the external provisioner "
                f"'{storage_class['provisioner']}' or manually by the system administrator. "
                "If volume creation is delayed, please verify that the provisioner is running and correctly registered."
            )
            await self._once(claim, "ExternalProvisioning", text, normal=True)

    async def _once(self, claim: Object, reason: str, message: str, *, normal: bool = False) -> None:
        key = (uid_of(claim), message)
        if key not in self._announced:
            self._announced.add(key)
            record = self._events.normal if normal else self._events.warning
            await record(claim, reason, message)


def quantity(text: str) -> float:
    """5Gi -> bytes."""
    match = re.fullmatch(r"([0-9.]+(?:[eE][0-9]+)?)([a-zA-Z]*)", str(text))
    return float(match[1]) * _UNITS.get(match[2], 1) if match else 0.0


def _points_at(reference: Object, claim: Object) -> bool:
    metadata = claim["metadata"]
    same_name = (reference.get("namespace"), reference.get("name")) == (metadata["namespace"], metadata["name"])
    return same_name and reference.get("uid") in (None, "", metadata["uid"])


def _reference_to(claim: Object) -> Object:
    metadata = claim["metadata"]
    names = {key: metadata[key] for key in ("namespace", "name", "uid", "resourceVersion")}
    return {"kind": "PersistentVolumeClaim", "apiVersion": "v1", **names}


def _mismatch(volume: Object, claim: Object) -> str | None:
    """checkVolumeSatisfyClaim, with its words."""
    has, wants = volume["spec"], claim["spec"]
    requested = ((wants.get("resources") or {}).get("requests") or {}).get("storage", "0")
    if quantity(has["capacity"]["storage"]) < quantity(requested):
        return "requested PV is too small"
    if _class_of(volume) != _class_of(claim):
        return "storageClassName does not match"
    if has.get("volumeMode", "Filesystem") != wants.get("volumeMode", "Filesystem"):
        return "incompatible volumeMode"
    if not set(wants.get("accessModes") or []) <= set(has.get("accessModes") or []):
        return "incompatible accessMode"
    return None


def _class_of(found: Object) -> str:
    """The annotation of old goes before the field (component-helpers, GetPersistentVolumeClaimClass)."""
    annotations = found["metadata"].get("annotations") or {}
    return annotations.get(BETA_STORAGE_CLASS) or found["spec"].get("storageClassName") or ""


def _selected(volume: Object, claim: Object) -> bool:
    wanted = (claim["spec"].get("selector") or {}).get("matchLabels") or {}
    return wanted.items() <= (volume["metadata"].get("labels") or {}).items()
