"""The kubelet of one Fargate node: volumes, image, containers, restarts, probes, status of its one pod."""

import asyncio
import contextlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp

from local.kubernetes import images
from local.kubernetes.container_isolation import UnsupportedByIsolation
from local.kubernetes.container_log import ContainerLog
from local.kubernetes.container_settings import SettingsError, container_spec
from local.kubernetes.containers import Container, ContainerError, ContainerRuntime
from local.kubernetes.events import EventRecorder
from local.kubernetes.http_api import ApiError, KubernetesApi
from local.kubernetes.interfaces import DataPlane, Placement, PullRefused
from local.kubernetes.objects import Object
from local.kubernetes.pod_status import ContainerState, PodStatus
from local.kubernetes.timing import BackOff, TimeScale
from local.kubernetes.volumes import Volume, VolumeManager, VolumeProblem

# Source: kubelet defaults: volume retries from 0.5 s to 2m2s, image pulls and crashing containers from 10 s to 5 min.
_MOUNT_BACK_OFF = (0.5, 122.0)
_START_ERROR = 128
_RESTART_BACK_OFF = (10.0, 300.0)
_SHORTEST_GRACE_SECONDS = 0.3
"""At any time scale a trap for SIGTERM gets to run."""


@dataclass(frozen=True)
class NodeServices:
    """What every node's kubelet uses."""

    api: KubernetesApi
    runtime: ContainerRuntime
    volumes: VolumeManager
    data_plane: DataPlane
    clock: TimeScale
    events: EventRecorder
    attach_events: EventRecorder


@dataclass
class RunningContainer:
    container: Container | None = None
    previous_log: ContainerLog | None = None


@dataclass
class Kubelet:
    """Runs `pod` until it is finished; `stop` ends it before."""

    node: NodeServices
    pod: Object
    placement: Placement
    containers: dict[str, RunningContainer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._status = PodStatus(self.pod, self.placement)
        self._writing = asyncio.Lock()
        self._policy = self.pod["spec"].get("restartPolicy", "Always")
        for state in [*self._status.init_containers, *self._status.containers]:
            self.containers[state.name] = RunningContainer()

    async def run(self) -> None:
        await self._write_status()
        volumes = await self._mount_volumes()
        spec = self.pod["spec"]
        until_success = "Never" if self._policy == "Never" else "OnFailure"
        for container, state in zip(spec.get("initContainers") or [], self._status.init_containers, strict=True):
            await self._keep_running(container, state, volumes, until_success)
            if not state.ready:
                return
        async with asyncio.TaskGroup() as group:
            for container, state in zip(spec["containers"], self._status.containers, strict=True):
                group.create_task(self._keep_running(container, state, volumes, self._policy))

    async def stop(self, grace_seconds: float) -> None:
        """Ends every container: SIGTERM, then SIGKILL after the (scaled) grace."""
        scaled = max(self.node.clock.seconds(grace_seconds), _SHORTEST_GRACE_SECONDS) if grace_seconds else 0
        running = [entry.container for entry in self.containers.values() if entry.container]
        await asyncio.gather(*(container.stop(scaled) for container in running))
        for container in running:
            self.node.runtime.forget(container)

    async def _mount_volumes(self) -> Mapping[str, Volume]:
        back_off = BackOff(self.node.clock, *_MOUNT_BACK_OFF)
        while True:
            try:
                return await self.node.volumes.mount(self.pod, self.placement)
            except VolumeProblem as problem:
                attaching = problem.component == "attachdetach-controller"
                events = self.node.attach_events if attaching else self.node.events
                await events.warning(self.pod, problem.reason, problem.message)
            except (ApiError, aiohttp.ClientError, TimeoutError):
                pass  # the API server was away for a moment
            await back_off.wait()

    async def _keep_running(
        self, spec: Object, state: ContainerState, volumes: Mapping[str, Volume], policy: str
    ) -> None:
        back_off = BackOff(self.node.clock, *_RESTART_BACK_OFF)
        await self._pull(spec, state)
        while True:
            error = images.start_error(spec["image"], spec.get("command") or [])
            if error:
                await self.node.events.warning(self.pod, "Failed", f"Error: {error}", spec["name"])
            code = _START_ERROR if error else await self._run_once(spec, state, volumes)
            if code is not None:
                again = policy == "Always" or (policy == "OnFailure" and code != 0)
                state.end(code, finished=not again, start_error=error)
                state.ready = not again and code == 0 and state in self._status.init_containers
                await self._write_status()
                if not again:
                    return
                state.restarts += 1
                await self._announce_back_off(spec, state, back_off.next_seconds)
            await back_off.wait()

    async def _announce_back_off(self, spec: Object, state: ContainerState, seconds: float) -> None:
        """The first restart comes at once and unannounced in Kubernetes too, but waiting for it is what can be seen."""
        metadata = self.pod["metadata"]
        subject = f"container={spec['name']} pod={metadata['name']}_{metadata['namespace']}({metadata['uid']})"
        state.wait_for("CrashLoopBackOff", f"back-off {seconds:g}s restarting failed {subject}")
        await self._write_status()
        message = (
            f"Back-off restarting failed container {spec['name']} in pod {metadata['name']}_{metadata['namespace']}"
        )
        await self.node.events.warning(self.pod, "BackOff", f"{message}({metadata['uid']})", spec["name"])

    async def _pull(self, spec: Object, state: ContainerState) -> None:
        image, events = spec["image"], self.node.events
        back_off = BackOff(self.node.clock, *_RESTART_BACK_OFF)
        while (wrong := images.invalid(image)) is not None:
            await events.warning(self.pod, "InspectFailed", wrong, spec["name"])
            await events.warning(self.pod, "Failed", "Error: InvalidImageName", spec["name"])
            state.wait_for("InvalidImageName", wrong)
            await self._write_status()
            await back_off.wait()
        while (error := await self._pull_error(image)) is not None:
            await events.normal(self.pod, "Pulling", f'Pulling image "{image}"', spec["name"])
            await events.warning(self.pod, "Failed", f'Failed to pull image "{image}": {error}', spec["name"])
            await events.warning(self.pod, "Failed", "Error: ErrImagePull", spec["name"])
            state.wait_for("ErrImagePull", error)
            await self._write_status()
            await back_off.wait_shortly()
            await events.normal(self.pod, "BackOff", f'Back-off pulling image "{image}"', spec["name"])
            await events.warning(self.pod, "Failed", "Error: ImagePullBackOff", spec["name"])
            state.wait_for("ImagePullBackOff", f'Back-off pulling image "{image}": ErrImagePull: {error}')
            await self._write_status()
            await back_off.wait()
        await events.normal(self.pod, "Pulling", f'Pulling image "{image}"', spec["name"])
        await events.normal(self.pod, "Pulled", f'Successfully pulled image "{image}"', spec["name"])
        state.image_id = images.image_id(image, self.node.runtime.image_digest)

    async def _pull_error(self, image: str) -> str | None:
        """None when the image is here now."""
        try:
            await asyncio.to_thread(self.node.data_plane.pull, self.placement, *images.registry_and_path(image))
        except PullRefused as refused:
            return images.pull_error(image, refused.message)
        found = images.exists(image, self.node.runtime.image_digest) and images.runs_here(image)
        return None if found else images.pull_error(image)

    async def _run_once(self, spec: Object, state: ContainerState, volumes: Mapping[str, Volume]) -> int | None:
        """The exit code; None when the container could not be made."""
        entry = self.containers[spec["name"]]
        try:
            settings = container_spec(self.pod, spec, volumes, self.placement.ip_address)
            container = await self.node.runtime.start(settings)
        except (SettingsError, UnsupportedByIsolation, ContainerError, OSError) as error:
            reason = "CreateContainerConfigError" if isinstance(error, SettingsError) else "CreateContainerError"
            state.wait_for(reason, str(error))
            await self._write_status()
            await self.node.events.warning(self.pod, "Failed", f"Error: {error}", spec["name"])
            return None
        if entry.container:
            entry.previous_log = entry.container.log
            self.node.runtime.forget(entry.container)
        entry.container = container
        state.run(f"containerd://{secrets.token_hex(32)}")
        probe = spec.get("readinessProbe")
        state.ready = probe is None
        await self._write_status()
        await self.node.events.normal(self.pod, "Created", f"Created container: {spec['name']}", spec["name"])
        await self.node.events.normal(self.pod, "Started", f"Started container {spec['name']}", spec["name"])
        probing = asyncio.create_task(self._probe(spec["name"], probe, state, container)) if probe else None
        try:
            return await container.wait()
        finally:
            if probing:
                probing.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await probing

    async def _probe(self, name: str, probe: Object, state: ContainerState, container: Container) -> None:
        clock, failures, successes = self.node.clock, 0, 0
        await asyncio.sleep(clock.seconds(probe.get("initialDelaySeconds", 0)))
        while container.running:
            command = (probe.get("exec") or {}).get("command")
            if command:
                timeout_seconds = max(1.0, clock.seconds(probe.get("timeoutSeconds", 1)))
                success = await container.succeeds(command, timeout_seconds)
            else:
                success = False  # only exec probes have something to ask here: pods have no network of their own
            successes, failures = (successes + 1, 0) if success else (0, failures + 1)
            if not success:
                what = "failed" if command else "failed: this kubelet runs exec probes only"
                await self.node.events.warning(self.pod, "Unhealthy", f"Readiness probe {what}", name)
            ready = state.ready
            if successes >= probe.get("successThreshold", 1):
                ready = True
            elif failures >= probe.get("failureThreshold", 3):
                ready = False
            if ready != state.ready:
                state.ready = ready
                await self._write_status()
            await asyncio.sleep(max(0.1, clock.seconds(probe.get("periodSeconds", 10))))

    async def _write_status(self) -> None:
        async with self._writing:
            for delay_seconds in (0.1, 0.5, 2.0, 0):
                try:
                    await self.node.api.patch_status("pods", self.pod, self._status.body(), manager="kubelet")
                    return
                except ApiError as error:
                    if error.code in (404, 409):  # the pod is gone, or replaced by one of the same name
                        return
                    if delay_seconds == 0:
                        raise
                except aiohttp.ClientError:
                    if delay_seconds == 0:
                        raise
                await asyncio.sleep(delay_seconds)
