"""Level-triggered: whatever changed, look at everything again. Clusters here are small."""

import asyncio
import logging
from collections.abc import Mapping
from typing import ClassVar

import aiohttp

from local.kubernetes.http_api import ApiError, KubernetesApi
from local.kubernetes.informer import Informer
from local.kubernetes.objects import Object

MANAGER = "kube-controller-manager"
_log = logging.getLogger(__name__)
_SETTLE_SECONDS = 0.01  # one look for a burst of changes
_RETRY_SECONDS = 0.1


class Controller:
    """Subclasses say what they watch and reconcile it; an API error means: look again."""

    watches: ClassVar[tuple[str, ...]] = ()

    def __init__(self, api: KubernetesApi, informers: Mapping[str, Informer]) -> None:
        self.api, self.informers = api, informers
        self._changed = asyncio.Event()
        self._changed.set()
        for resource in self.watches:
            informers[resource].on_change(lambda _change, _obj: self._changed.set())

    def all(self, resource: str) -> list[Object]:
        return list(self.informers[resource].objects.values())

    async def reconcile(self) -> None:
        raise NotImplementedError

    async def run(self) -> None:
        for resource in self.watches:
            await self.informers[resource].synced.wait()
        while True:
            await self._changed.wait()
            await asyncio.sleep(_SETTLE_SECONDS)
            self._changed.clear()
            try:
                await self.reconcile()
            except (ApiError, aiohttp.ClientError, TimeoutError) as error:
                # mostly conflicts with a newer version that the watch is about to bring
                _log.debug("%s: %s", type(self).__name__, error)
                await asyncio.sleep(_RETRY_SECONDS)
                self._changed.set()
