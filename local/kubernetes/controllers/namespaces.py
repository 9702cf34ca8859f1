"""The namespace controller: a namespace that is being deleted is emptied, then goes."""

from typing import ClassVar

from local.kubernetes.controllers.loop import Controller
from local.kubernetes.objects import Object, is_deleting

_EMPTIED = (
    "deployments",
    "replicasets",
    "pods",
    "persistentvolumeclaims",
    "configmaps",
    "serviceaccounts",
    "services",
    "resourcequotas",
    "limitranges",
    "events",
)


class NamespaceController(Controller):
    watches: ClassVar[tuple[str, ...]] = ("namespaces", "deployments", "replicasets", "pods", "persistentvolumeclaims")

    async def reconcile(self) -> None:
        for namespace in self.all("namespaces"):
            if is_deleting(namespace) and namespace.get("spec", {}).get("finalizers"):
                await self._empty(namespace)

    async def _empty(self, namespace: Object) -> None:
        left = 0
        for resource in _EMPTIED:
            listed = await self.api.list(resource, namespace["metadata"]["name"])
            for item in listed["items"]:
                if not is_deleting(item):
                    await self.api.delete(resource, item)
            blocking = resource in self.watches
            left += len(listed["items"]) if blocking else 0
        if left == 0:
            await self.api.finalize_namespace(namespace)
