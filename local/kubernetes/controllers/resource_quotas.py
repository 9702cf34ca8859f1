"""Keeps every ResourceQuota's status: what may be used, and what its namespace uses."""

from decimal import Decimal
from typing import ClassVar

from local.kubernetes.controllers.loop import MANAGER, Controller
from local.kubernetes.embedded.admission.usage import usage_of, written

_COUNTED = ("pods", "persistentvolumeclaims", "deployments", "replicasets")


class ResourceQuotaController(Controller):
    watches: ClassVar[tuple[str, ...]] = ("resourcequotas", *_COUNTED)

    async def reconcile(self) -> None:
        for quota in self.all("resourcequotas"):
            hard = quota["spec"].get("hard") or {}
            used = self._used(quota["metadata"]["namespace"], list(hard))
            status = quota.get("status") or {}
            if (status.get("hard"), status.get("used")) != (hard, used):
                body = {"hard": hard, "used": used}
                patched = await self.api.patch_status("resourcequotas", quota, body, manager=MANAGER)
                self.informers["resourcequotas"].remember(patched)

    def _used(self, namespace: str, names: list[str]) -> dict[str, str]:
        totals = dict.fromkeys(names, Decimal(0))
        for resource in _COUNTED:
            for obj in self.all(resource):
                if obj["metadata"]["namespace"] == namespace:
                    for name, amount in usage_of(obj).items():
                        if name in totals:
                            totals[name] += amount
        return {name: written(name, total) for name, total in totals.items()}
