"""What Fargate is, simulated: profiles decide at a pod's first sight, one node per pod, a kubelet that runs it.

It speaks only HTTPS to the cluster's API, so the embedded API and a real kube-apiserver are driven alike. On the
embedded API it brings the controllers along that kube-controller-manager is on a real one.
"""

import asyncio
import logging
from collections.abc import Coroutine
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

from local.kubernetes.container_isolation import isolation_of
from local.kubernetes.containers import ContainerRuntime
from local.kubernetes.controllers import Controllers
from local.kubernetes.event_loops import SharedLoop
from local.kubernetes.events import EventRecorder
from local.kubernetes.fargate_pod import FargatePod, FargateServices
from local.kubernetes.http_api import KubernetesApi
from local.kubernetes.informer import Change, Informer
from local.kubernetes.interfaces import ControlPlane, DataPlane
from local.kubernetes.kubelet import NodeServices, RunningContainer
from local.kubernetes.kubelet_server import KubeletServer
from local.kubernetes.objects import Object, is_deleting, is_finished, uid_of
from local.kubernetes.timing import TimeScale
from local.kubernetes.volumes import VolumeManager

_log = logging.getLogger(__name__)
_START_TIMEOUT_SECONDS = 300
"""On a machine that has much other work, a minute was not enough."""


_LOOP = SharedLoop("fargate-simulators")


class FargateSimulator:
    """Runs in the simulators' thread between start() and stop(); afterwards no process or mount of it is left."""

    def __init__(
        self,
        control_plane: ControlPlane,
        data_plane: DataPlane,
        clock: TimeScale,
        directory: Path,
        *,
        owns_controllers: bool,
        programs: Path | None = None,
    ) -> None:
        """`programs` is for what the containers of all simulators have, and the same for all who name it."""
        self._programs = programs
        self._control_plane, self._data_plane, self._clock = control_plane, data_plane, clock
        self._directory, self._owns_controllers = directory, owns_controllers
        self._ready: Future[_Cluster] = Future()
        self._life: Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Returns once it follows the cluster. Raises what kept it from that."""
        _LOOP.enter()
        self._life = _LOOP.begin(self._live())
        try:
            self._ready.result(_START_TIMEOUT_SECONDS)
        except BaseException as failure:
            self.stop()
            if not self._ready.done():
                raise TimeoutError(f"the cluster API at {self._control_plane.url} did not answer") from failure
            raise

    def pods(self) -> set[str]:
        """By their uids; one that leaves is among them until its node and its interface have been given back."""
        return self._ready.result().pods() if self._ready.done() else set()

    def evict(self, profile_name: str) -> None:
        """Deletes the pods that the profile placed; returns before they are gone."""
        if self._life and self._ready.done():
            _LOOP.call(partial(self._ready.result().evict, profile_name))

    def stop(self) -> None:
        life, self._life = self._life, None
        if life:
            _LOOP.call(self._cancel)
            life.result()
            _LOOP.leave()

    def _cancel(self) -> None:
        if self._task:
            self._task.cancel()

    async def _live(self) -> None:
        self._task = asyncio.current_task()
        try:
            await self._follow()
        except asyncio.CancelledError:
            return
        except BaseException as failure:  # start() raises it in the caller's thread
            if self._ready.done():
                _log.exception("the Fargate simulator ended")
            else:
                self._ready.set_exception(failure)

    async def _follow(self) -> None:
        """Until it is cancelled."""
        plane = self._control_plane
        isolation = await asyncio.to_thread(isolation_of, self._programs) if self._programs else None
        runtime = await asyncio.to_thread(ContainerRuntime, self._directory, isolation)
        async with KubernetesApi(plane.url, plane.ca_pem, plane.admin_token) as api:
            cluster = _Cluster(api, self._data_plane, self._clock, runtime, self._directory)
            try:
                await cluster.start(self._owns_controllers)
                self._ready.set_result(cluster)
                await asyncio.Event().wait()
            finally:
                await cluster.stop()


class _Cluster:
    """The simulator inside its event loop."""

    def __init__(
        self, api: KubernetesApi, data_plane: DataPlane, clock: TimeScale, runtime: ContainerRuntime, directory: Path
    ) -> None:
        self._api, self._runtime, self._directory = api, runtime, directory
        self._server = KubeletServer(self._find_container)
        self._pods: dict[str, FargatePod] = {}
        self._nodes = Informer(api, "nodes")
        self._tasks: set[asyncio.Task[None]] = set()
        volumes = VolumeManager(api, data_plane, directory / "volumes")
        kubelet_events = EventRecorder(api, "kubelet")
        attach_events = EventRecorder(api, "attachdetach-controller")
        node = NodeServices(api, runtime, volumes, data_plane, clock, kubelet_events, attach_events)
        self._services = FargateServices(node, data_plane, self._nodes)

    async def start(self, owns_controllers: bool) -> None:
        await self._server.start(self._directory)
        self._services.kubelet_port = self._server.port
        version = await self._api.version()
        self._services.kubelet_version = version
        self._services.says_of_timeouts = owns_controllers
        pods = Informer(self._api, "pods")
        pods.on_change(self._pod_changed)
        informers = [pods, self._nodes]
        if owns_controllers:
            controllers = Controllers(self._api, pods)
            informers += controllers.informers
            for loop in controllers.loops():
                self._spawn(loop)
        # nodes first: a pod handler may count them
        for informer in reversed(informers):
            self._spawn(informer.run())
        for informer in informers:
            await informer.synced.wait()

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(pod.abandon() for pod in self._pods.values()), return_exceptions=True)
        await self._server.stop()
        await self._runtime.close()

    def pods(self) -> set[str]:
        return set(self._pods)

    def evict(self, profile_name: str) -> None:
        for mine in self._pods.values():
            if mine.profile_name == profile_name:
                self._spawn(mine.evict())

    def _pod_changed(self, change: Change, pod: Object) -> None:
        uid = uid_of(pod)
        mine = self._pods.get(uid)
        if change == "DELETED":
            if mine:
                self._spawn(self._end(mine, pod, 0))
        elif is_deleting(pod):
            grace = pod["metadata"].get("deletionGracePeriodSeconds", 30)
            if mine:
                self._spawn(self._end(mine, pod, grace))
            else:
                self._spawn(self._api.delete("pods", pod, now=True))  # left by an earlier simulator, or finished
        elif mine is None and not is_finished(pod) and not pod["spec"].get("nodeName"):
            self._pods[uid] = FargatePod(self._services, pod)
            self._pods[uid].start()

    async def _end(self, mine: FargatePod, pod: Object, grace_seconds: float) -> None:
        await mine.end(pod, grace_seconds)
        self._pods.pop(uid_of(pod), None)

    def _find_container(self, namespace: str, pod: str, container: str) -> RunningContainer | None:
        for mine in self._pods.values():
            if (mine.namespace, mine.name) == (namespace, pod) and mine.kubelet and not mine.gone:
                return mine.kubelet.containers.get(container)
        return None

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()):
            _log.error("Fargate simulator: %r", failure, exc_info=failure)
