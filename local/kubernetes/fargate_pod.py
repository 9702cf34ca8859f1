"""One pod's way over Fargate: admission, node, kubelet, and all of it undone at its end."""

import asyncio
import contextlib
import logging
import shutil
from dataclasses import dataclass

from local.clock import TYPICAL_SECONDS
from local.kubernetes.events import EventRecorder
from local.kubernetes.fargate_size import vcpus
from local.kubernetes.http_api import NotFound
from local.kubernetes.informer import Informer
from local.kubernetes.interfaces import DataPlane, Placement, PlacementRefused
from local.kubernetes.kubelet import Kubelet, NodeServices
from local.kubernetes.nodes import node_object, register_node
from local.kubernetes.objects import Object, condition, merge_conditions, uid_of
from local.kubernetes.scheduler import fargate_refusal, is_for_instances, unschedulable_message
from local.kubernetes.timing import BackOff

KUBELET_PORT = 10250
_LOGGING = ("aws-observability", "aws-logging")
_log = logging.getLogger(__name__)
_PROVISIONING_SECONDS = 180.0
_NODE_START_SECONDS = TYPICAL_SECONDS["pod"]
"""Nearly all of the minute a Fargate pod takes to run is its node's start."""


@dataclass
class FargateServices:
    node: NodeServices
    data_plane: DataPlane
    nodes: Informer
    kubelet_port: int = 0
    kubelet_version: str = ""
    says_of_timeouts: bool = False
    """Whether the API server words a way that is closed itself; a real one would have to wait, and dial, for real."""

    def __post_init__(self) -> None:
        self.fargate_events = EventRecorder(self.node.api, "fargate-scheduler")
        self.default_events = EventRecorder(self.node.api, "default-scheduler")


class FargatePod:
    """Started once; ended once, however often asked."""

    def __init__(self, services: FargateServices, pod: Object) -> None:
        self.namespace, self.name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        self.kubelet: Kubelet | None = None
        self.gone = False
        self._services, self._pod = services, pod
        self._placement: Placement | None = None
        self._node: Object | None = None
        self._life: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._life = asyncio.create_task(self._live())

    async def end(self, pod: Object, grace_seconds: float) -> None:
        """Containers, the pod object, the node, the network interface: in this order, as on a cluster."""
        if self._ending and grace_seconds == 0 and self.kubelet:
            await self.kubelet.stop(0)  # forced while the grace still runs
        if self._ending is None:
            self._ending = asyncio.create_task(self._end(pod, grace_seconds))
        await self._ending

    @property
    def profile_name(self) -> str | None:
        return self._placement.profile_name if self._placement else None

    async def evict(self) -> None:
        """As if somebody deleted it, with its grace."""
        await self._services.node.api.delete("pods", self._pod)

    async def abandon(self) -> None:
        """The simulator stops: kill what runs, leave the API's objects as they are."""
        await self._stop_living()
        if self._ending:
            self._ending.cancel()
        if self.kubelet:
            await self.kubelet.stop(0)
        await self._release()

    async def _live(self) -> None:
        try:
            await self._schedule_and_run()
        except asyncio.CancelledError:
            raise
        except NotFound:
            _log.debug("pod %s/%s went away while it was scheduled", self.namespace, self.name)
        except Exception:  # a pod that fails must not take the others along
            _log.exception("pod %s/%s", self.namespace, self.name)

    async def _schedule_and_run(self) -> None:
        services, api = self._services, self._services.node.api
        try:
            self._placement = await self._place()
        except PlacementRefused as refused:
            await self._note_logging()
            await self._unschedulable(services.fargate_events, refused.message)
            return
        if self._placement is None:
            message = unschedulable_message([name for _, name in services.nodes.objects])
            await self._unschedulable(services.default_events, message)
            return
        await self._note_logging()
        if refusal := await fargate_refusal(self._pod, api):
            await self._unschedulable(services.fargate_events, refusal)
            return
        await self._join(self._placement)
        self._node = node_object(self._placement)  # known before it exists: a cancelled request may have made it
        version = self._placement.kubelet_version or services.kubelet_version
        self._node = await register_node(api, self._placement, await self._kubelet_address(), version)
        await api.bind(self._pod, self._placement.node_name)
        message = f"Successfully assigned {self.namespace}/{self.name} to {self._placement.node_name}"
        await services.fargate_events.normal(self._pod, "Scheduled", message)
        # On EKS the node comes first; a pod that waits for it is told from one that nobody schedules by its
        # schedulerName, which cannot be set from outside the API: here the node's name tells.
        await asyncio.sleep(services.node.clock.seconds(_NODE_START_SECONDS))
        bound = {**self._pod, "spec": {**self._pod["spec"], "nodeName": self._placement.node_name}}
        self.kubelet = Kubelet(services.node, bound, self._placement)
        await self.kubelet.run()

    async def _join(self, placement: Placement) -> None:
        """A node that does not reach the cluster's API is given up after minutes, and tried again.

        Source: the text and its intervals are eksctl-io/eksctl#2690's, the first wait is #4486's.
        """
        services, back_off = self._services, BackOff(self._services.node.clock, _PROVISIONING_SECONDS, 900)
        while not await asyncio.to_thread(services.data_plane.joins, placement):
            await back_off.wait()
            message = f"Pod provisioning timed out (will retry) for pod: {self.namespace}/{self.name}"
            await self._unschedulable(services.fargate_events, message)

    async def _place(self) -> Placement | None:
        """Asks in a thread; a placement that arrives after the pod's end is still taken note of, to be released."""
        if is_for_instances(self._pod):
            return None
        labels = self._pod["metadata"].get("labels") or {}
        place, size = self._services.data_plane.place, vcpus(self._pod)
        asking = asyncio.create_task(asyncio.to_thread(place, self.namespace, labels, size))
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            with contextlib.suppress(PlacementRefused):
                self._placement = await asking
            raise

    async def _note_logging(self) -> None:
        """Of every pod, whether or not it will run. Source: EKS user guide, "Fargate logging"; eksctl#4486."""
        events = self._services.fargate_events
        if await self._services.node.api.find("configmaps", *_LOGGING):
            await events.normal(self._pod, "LoggingEnabled", "Successfully enabled logging for pod")
        else:
            why = f'{_LOGGING[1]} configmap was not found. configmap "{_LOGGING[1]}" not found'
            await events.warning(self._pod, "LoggingDisabled", f"Disabled logging because {why}")

    async def _kubelet_address(self) -> tuple[str, int]:
        """Where the API server finds the kubelet: here, or where nobody answers when AWS lets nothing through."""
        services, placement = self._services, self._placement
        assert placement is not None, "a node has a place"  # noqa: S101
        if await asyncio.to_thread(services.data_plane.is_reached, placement):
            return "127.0.0.1", services.kubelet_port
        return (placement.ip_address, KUBELET_PORT) if services.says_of_timeouts else ("127.0.0.1", KUBELET_PORT)

    async def _unschedulable(self, events: EventRecorder, message: str) -> None:
        conditions = merge_conditions([], [condition("PodScheduled", False, "Unschedulable", message)])
        api = self._services.node.api
        await api.patch_status("pods", self._pod, {"conditions": conditions}, manager="scheduler")
        await events.warning(self._pod, "FailedScheduling", message)

    async def _end(self, pod: Object, grace_seconds: float) -> None:
        await self._stop_living()
        if self.kubelet:
            await self.kubelet.stop(grace_seconds)
        self.gone = True
        api = self._services.node.api
        await api.delete("pods", pod, now=True)
        if self._node:
            node = await api.find("nodes", "", self._node["metadata"]["name"])
            if node:
                await api.delete("nodes", node)
        await self._release()
        for events in (self._services.fargate_events, self._services.default_events, self._services.node.events):
            events.forget(uid_of(pod))

    async def _stop_living(self) -> None:
        if self._life:
            self._life.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._life

    async def _release(self) -> None:
        placement, self._placement = self._placement, None
        if placement:
            await asyncio.to_thread(self._services.data_plane.release, placement)
        folder = self._services.node.volumes.directory / uid_of(self._pod)
        shutil.rmtree(folder, ignore_errors=True)
