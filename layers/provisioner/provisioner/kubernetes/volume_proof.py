"""One volume's part of a proof: its pods, what they have said, and the evidence that it makes.

Each step may be made again at any line, and answers with what is waited for; None when it is done.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict

from provisioner.errors import ErrorReason, TerminalError
from provisioner.kubernetes import stand_ins
from provisioner.kubernetes import verification_objects as objects
from provisioner.kubernetes.client import LOGS_BYTES, KubernetesApi, Manifest
from provisioner.kubernetes.errors import is_refused_for_good
from provisioner.kubernetes.evidence import (
    AppenderEvidence,
    NeighbourEvidence,
    PodEvidence,
    ReaderEvidence,
    VolumeEvidence,
)
from provisioner.kubernetes.isolation import attempts_of
from provisioner.kubernetes.pods import (
    Printed,
    is_leaving,
    is_ready,
    latest_messages,
    phase,
    pod_evidence,
    start_error,
)
from provisioner.kubernetes.proof import APPENDED_LINES, counter_of
from provisioner.observation import Reason
from provisioner.request import Request
from provisioner.volumes import root_of

# A pod on Fargate is Ready after about 57 seconds, and seldom before 45: until then nobody looks, and then often.
FIRST_LOOK_SECONDS: Final = 45
POLL_SECONDS: Final = 1
_BEGINNING_CHARACTERS: Final = 100


class VolumeProgress(BaseModel):
    """What one volume's pods have said so far."""

    model_config = ConfigDict(extra="forbid")

    writers: list[PodEvidence] = []
    appender: AppenderEvidence | None = None
    neighbour: NeighbourEvidence | None = None
    reader: ReaderEvidence | None = None
    counted: list[str] = []

    @property
    def pods(self) -> int:
        """Those that are done."""
        return len(self.writers) + sum(each is not None for each in (self.appender, self.neighbour, self.reader))


@dataclass(frozen=True)
class Waiting:
    """What a volume waits for, and the pods that tell why; `held` of them may be made again.

    `is_refused`: somebody has said no, so that time alone will hardly help.
    """

    reason: Reason
    seconds: int
    because: str = ""
    unfinished: list[Manifest] = field(default_factory=list)
    held: list[Manifest] = field(default_factory=list)
    is_refused: bool = False


@dataclass(frozen=True)
class VolumeProof:
    """`request` is of this one volume, `run_id` of its part of the run.

    `measures`: its pods also measure; those of one volume, as all are of one file system and would wait for each other.
    """

    request: Request
    api: KubernetesApi
    run_id: str
    progress: VolumeProgress
    file_system_id: str
    access_point_id: str | None
    measures: bool = False

    @property
    def name(self) -> str:
        return self.request.storage.persistent_volume

    @property
    def _first_look_seconds(self) -> int:
        """Who gives little time is to have most of it for looking."""
        return min(FIRST_LOOK_SECONDS, self.request.verification.timeout_seconds // 4)

    def start(self) -> Waiting:
        self._apply(objects.writers(self.request, self.run_id, measures=self.measures))
        self._apply(objects.appender(self.request, self.run_id))
        return Waiting(Reason.WRITERS_STARTING, self._first_look_seconds)

    def write(self) -> Waiting | None:
        pods = objects.pods_of(self.api, self.request, self.run_id, "writer")
        writers = [pod for pod in pods if not is_leaving(pod)]
        self._collect_writers(writers)
        done = {writer.pod for writer in self.progress.writers}
        unfinished = [pod for pod in writers if pod["metadata"]["name"] not in done]
        if self.progress.appender is None and (appender := self._collect_appender()):
            unfinished.append(appender)

        missing = self.request.verification.writers - len(writers)
        if not unfinished and missing == 0 and self.progress.appender is not None:
            return None
        refused = self._refused_writers() if missing else ""
        running = missing == 0 and all(phase(pod) != "Pending" for pod in unfinished)
        return Waiting(
            Reason.WRITERS_WRITING if running else Reason.WRITERS_STARTING,
            POLL_SECONDS,
            f"{len(writers)} of {self.request.verification.writers} writers exist{refused}" if missing else "",
            unfinished,
            held=unfinished,
            is_refused=bool(refused),
        )

    def look(self, places: Mapping[str, list[str]]) -> Waiting | None:
        """`places`: name of each volume -> where what its pods wrote would be below /data."""
        if self.progress.neighbour is not None:
            return None
        pod = self._pod_of("neighbour")
        tried = [place for each in places.values() for place in each]
        wanted = objects.neighbour(self.request, self.run_id, tried)
        if pod is None:
            self._apply(wanted)
            return Waiting(Reason.NEIGHBOUR_STARTING, self._first_look_seconds)
        printed = self._finished(pod, wanted)
        if printed is None or printed.finished is None:
            return _of_one(pod, Reason.NEIGHBOUR_STARTING, Reason.NEIGHBOUR_LOOKING)
        observed = pod_evidence(self.api, pod, printed, printed.finished)
        read = printed.hashes()
        attempts = attempts_of(places, read)
        self.progress.neighbour = NeighbourEvidence(**observed.model_dump(), attempts=attempts)
        return None

    def stop_writers(self) -> None:
        """Nothing waits for them to be gone: all has been written, synced and closed, and the reader's node has no
        cache of theirs, or its evidence is refused. `clean_up` waits."""
        objects.remove_writing(self.api, self.request, self.run_id)

    def read(self) -> Waiting | None:
        if self.progress.reader is not None:
            return None
        pod = self._pod_of("reader")
        wanted = objects.reader(self.request, self.run_id, measures=self.measures)
        if pod is None:
            self._apply(wanted)
            return Waiting(Reason.READER_STARTING, self._first_look_seconds)
        printed = self._finished(pod, wanted)
        if printed is None or printed.finished is None:
            return _of_one(pod, Reason.READER_STARTING, Reason.READER_READING)
        # Every writer's, the appender's and the counter; the listing also has its total.
        files = self.request.verification.writers + 2
        observed = pod_evidence(self.api, pod, printed, printed.finished, files)
        self.progress.counted = printed.tagged("counter", 2)
        self.progress.reader = ReaderEvidence(
            **observed.model_dump(),
            listing=printed.tagged("listing", files + 2),
            text=printed.tagged("text", APPENDED_LINES + 1),
        )
        return None

    def clean_up(self) -> Waiting | None:
        left = objects.remove(self.api, self.request, self.run_id)
        return Waiting(Reason.CLEANING_UP, POLL_SECONDS) if left else None

    def evidence(self) -> VolumeEvidence:
        storage, progress = self.request.storage, self.progress
        assert progress.appender is not None, "the phase `write` ends with the appender's evidence"  # noqa: S101
        assert progress.reader is not None, "the phase `read` ends with the reader's"  # noqa: S101
        return VolumeEvidence(
            persistent_volume=storage.persistent_volume,
            namespace=storage.namespace,
            claim=storage.claim,
            file_system_id=self.file_system_id,
            access_point_id=self.access_point_id,
            directory=root_of(self.request),
            counter=counter_of(self.request.verification.writers, progress.counted),
            writers=progress.writers,
            appender=progress.appender,
            reader=progress.reader,
            neighbour=progress.neighbour,
        )

    def _refused_writers(self) -> str:
        """What the API last answered the Deployment's controller, which makes the writers. Raises: TerminalError."""
        name = objects.name_of("writer", self.run_id)
        events = self.api.list("Event", self.request.storage.namespace, fields="reason=FailedCreate")
        said = latest_messages(each for each in events if each["involvedObject"].get("name", "").startswith(name))
        for message in said:
            if is_refused_for_good(message):
                raise TerminalError(
                    ErrorReason.ADMISSION_REFUSED, message, remedy="give the pods what it names, then start again"
                )
        return f" ({said[0]})" if said else ""

    def _collect_writers(self, writers: list[Manifest]) -> None:
        known = {writer.pod for writer in self.progress.writers}
        wanted = objects.writers(self.request, self.run_id, measures=self.measures)["spec"]["template"]
        for pod in writers:
            _require_own(pod, wanted)
            if pod["metadata"]["name"] in known or not is_ready(pod):
                continue
            printed = self._said_by(pod)
            if printed.finished:
                self.progress.writers.append(pod_evidence(self.api, pod, printed, printed.finished))

    def _collect_appender(self) -> Manifest | None:
        """The appender while it is not done; made again where it was recreated."""
        wanted = objects.appender(self.request, self.run_id)
        pod = self._pod_of("appender") or self._apply(wanted)
        printed = self._finished(pod, wanted)
        if printed is None or printed.finished is None:
            return pod
        observed = pod_evidence(self.api, pod, printed, printed.finished)
        self.progress.appender = AppenderEvidence(
            **observed.model_dump(), text=printed.tagged("text", APPENDED_LINES + 1)
        )
        return None

    def _finished(self, pod: Manifest, wanted: Manifest) -> Printed | None:
        """What a pod that runs once has printed, when it is through; None while it is not."""
        _require_own(pod, wanted)
        match phase(pod):
            case "Succeeded":
                return self._said_by(pod)
            case "Failed":
                name = pod["metadata"]["name"]
                why = pod["status"].get("message") or start_error(pod) or Printed(self.api.logs(pod)).tail
                raise TerminalError(
                    ErrorReason.VERIFICATION_FAILED,
                    f"Pod {name} failed: {why or 'it printed nothing'}",
                    remedy="correct the cause it names",
                )
            case _:
                return None

    def _said_by(self, pod: Manifest) -> Printed:
        """Raises: TerminalError for so much that the end of it is not read, where it says whether it is done."""
        log = self.api.logs(pod)
        if len(log.encode(errors="replace")) < LOGS_BYTES:
            return Printed(log)
        raise TerminalError(
            ErrorReason.VERIFICATION_FAILED,
            f"Pod {pod['metadata']['name']} printed {LOGS_BYTES} bytes or more, beginning with "
            f"{log[:_BEGINNING_CHARACTERS]!r}: the run's pods print some hundred lines",
            remedy="see what its image runs, and what is in its volume, then start again",
        )

    def _pod_of(self, role: Literal["appender", "neighbour", "reader"]) -> Manifest | None:
        return self.api.get("Pod", objects.name_of(role, self.run_id), self.request.storage.namespace)

    def _apply(self, wanted: Manifest) -> Manifest:
        metadata = wanted["metadata"]
        found = self.api.get(wanted["kind"], metadata["name"], metadata["namespace"])
        return self.api.apply(wanted, over=found)


def _require_own(pod: Manifest, wanted: Mapping[str, Any]) -> None:
    """Raises: TerminalError for a pod that only looks as if it were the run's: what it says is nobody's evidence."""
    if found := stand_ins.differences(pod, wanted["spec"]):
        raise TerminalError(
            ErrorReason.VERIFICATION_FAILED,
            f"Pod {pod['metadata']['name']} is not what this run makes: {found}",
            remedy="find out who made or changed it, then start again",
        )


def _of_one(pod: Manifest, starting: Reason, running: Reason) -> Waiting:
    if phase(pod) == "Pending":
        return Waiting(starting, POLL_SECONDS, unfinished=[pod], held=[pod])
    return Waiting(running, POLL_SECONDS, unfinished=[pod])
