"""The garbage collector: dependants follow their owners, as the deletion asked for."""

from typing import ClassVar

from local.kubernetes.controllers.loop import MANAGER, Controller
from local.kubernetes.objects import Object, is_deleting, uid_of

_KINDS = {"Deployment": "deployments", "ReplicaSet": "replicasets", "Pod": "pods"}
_FOREGROUND, _ORPHAN = "foregroundDeletion", "orphan"


class GarbageCollector(Controller):
    watches: ClassVar[tuple[str, ...]] = ("deployments", "replicasets", "pods")

    async def reconcile(self) -> None:
        for resource in self.watches:
            for obj in self.all(resource):
                finalizers = obj["metadata"].get("finalizers") or []
                if is_deleting(obj) and _ORPHAN in finalizers:
                    await self._orphan(resource, obj)
                elif is_deleting(obj) and _FOREGROUND in finalizers:
                    await self._delete_dependants_first(resource, obj)
                elif not is_deleting(obj) and await self._has_lost_its_owners(obj):
                    await self.api.delete(resource, obj)

    async def _has_lost_its_owners(self, obj: Object) -> bool:
        references = obj["metadata"].get("ownerReferences") or []
        if not references:
            return False
        for reference in references:
            resource = _KINDS.get(reference["kind"])
            if resource is None:
                return False  # an owner of a kind that is not followed here
            namespace = obj["metadata"]["namespace"]
            owner = self.informers[resource].get(namespace, reference["name"])
            if owner is None or uid_of(owner) != reference["uid"]:  # the copy may be behind: ask
                owner = await self.api.find(resource, namespace, reference["name"])
            if owner is not None and uid_of(owner) == reference["uid"]:
                return False
        return True

    def _dependants(self, owner: Object) -> list[tuple[str, Object]]:
        return [
            (resource, obj)
            for resource in self.watches
            for obj in self.all(resource)
            if any(reference["uid"] == uid_of(owner) for reference in obj["metadata"].get("ownerReferences") or [])
        ]

    async def _orphan(self, resource: str, owner: Object) -> None:
        for kind, dependant in self._dependants(owner):
            kept = [ref for ref in dependant["metadata"]["ownerReferences"] if ref["uid"] != uid_of(owner)]
            await self.api.patch(kind, dependant, {"metadata": {"ownerReferences": kept or None}}, manager=MANAGER)
        await self._release(resource, owner, _ORPHAN)

    async def _delete_dependants_first(self, resource: str, owner: Object) -> None:
        dependants = self._dependants(owner)
        for kind, dependant in dependants:
            if not is_deleting(dependant):
                await self.api.delete(kind, dependant)
        if not dependants:
            await self._release(resource, owner, _FOREGROUND)

    async def _release(self, resource: str, obj: Object, finalizer: str) -> None:
        kept = [name for name in obj["metadata"]["finalizers"] if name != finalizer]
        await self.api.patch(resource, obj, {"metadata": {"finalizers": kept or None}}, manager=MANAGER)
