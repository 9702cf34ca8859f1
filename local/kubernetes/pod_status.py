"""A pod's status as the kubelet writes it, computed from its containers' states."""

from dataclasses import dataclass, field

from local.kubernetes.interfaces import Placement
from local.kubernetes.objects import Object, condition, merge_conditions, timestamp


@dataclass
class ContainerState:
    """One container of the pod: state and last_state as in ContainerStatus."""

    name: str
    image: str
    image_id: str = ""
    container_id: str = ""
    ready: bool = False
    restarts: int = 0
    state: Object = field(default_factory=lambda: {"waiting": {"reason": "ContainerCreating"}})
    last_state: Object = field(default_factory=dict)
    finished: bool = False  # it ended and will not be started again

    def wait_for(self, reason: str, message: str = "") -> None:
        if "terminated" in self.state:
            self.last_state = self.state
        self.state = {"waiting": {"reason": reason, **({"message": message} if message else {})}}
        self.ready = False

    def run(self, container_id: str) -> None:
        self.container_id = container_id
        self.state = {"running": {"startedAt": timestamp()}}

    def end(self, exit_code: int, *, finished: bool, start_error: str | None = None) -> None:
        """`start_error`: why there was no process, which the kubelet tells in the state's message."""
        started = self.state.get("running", {}).get("startedAt", timestamp())
        reason = "StartError" if start_error else "Completed" if exit_code == 0 else "Error"
        times = {"startedAt": started, "finishedAt": timestamp(), "containerID": self.container_id}
        said = {"message": start_error} if start_error else {}
        self.state = {"terminated": {"exitCode": exit_code, "reason": reason, **said, **times}}
        self.ready, self.finished = False, finished

    @property
    def exit_code(self) -> int | None:
        code: int | None = self.state.get("terminated", {}).get("exitCode")
        return code

    def status(self) -> Object:
        return {
            "name": self.name,
            "image": self.image,
            "imageID": self.image_id,
            "containerID": self.container_id,
            "ready": self.ready,
            "started": "running" in self.state,
            "restartCount": self.restarts,
            "state": self.state,
            "lastState": self.last_state,
        }


class PodStatus:
    """Keeps transition times between writings."""

    def __init__(self, pod: Object, placement: Placement) -> None:
        spec = pod["spec"]
        self.containers = [ContainerState(c["name"], c["image"]) for c in spec["containers"]]
        self.init_containers = [ContainerState(c["name"], c["image"]) for c in spec.get("initContainers") or []]
        self._placement = placement
        self._start_time = timestamp()
        self._conditions: list[Object] = []

    @property
    def initialized(self) -> bool:
        return all(container.finished and container.exit_code == 0 for container in self.init_containers)

    def phase(self) -> str:
        if not self.initialized:
            failed = any(container.finished and container.exit_code for container in self.init_containers)
            return "Failed" if failed else "Pending"
        if all(container.finished for container in self.containers):
            return "Succeeded" if all(container.exit_code == 0 for container in self.containers) else "Failed"
        started = any("waiting" not in container.state or container.restarts for container in self.containers)
        return "Running" if started else "Pending"

    def body(self) -> Object:
        phase = self.phase()
        current = self._readiness(phase)
        self._conditions = merge_conditions(self._conditions, current)
        address = self._placement.ip_address
        addresses = {"podIP": address, "podIPs": [{"ip": address}]} if phase != "Pending" else {}
        return {
            "phase": phase,
            "startTime": self._start_time,
            "hostIP": address,
            "hostIPs": [{"ip": address}],
            **addresses,
            "conditions": self._conditions,
            "initContainerStatuses": [container.status() for container in self.init_containers],
            "containerStatuses": [container.status() for container in self.containers],
        }

    def _readiness(self, phase: str) -> list[Object]:
        unready = [container.name for container in self.containers if not container.ready]
        reason = message = ""
        if unready:
            completed = phase == "Succeeded"
            reason = "PodCompleted" if completed else "ContainersNotReady"
            message = "" if completed else f"containers with unready status: [{' '.join(unready)}]"
        return [
            condition("PodScheduled", True),
            condition("Initialized", self.initialized, "" if self.initialized else "ContainersNotInitialized"),
            condition("ContainersReady", not unready, reason, message),
            condition("Ready", not unready, reason, message),
        ]
