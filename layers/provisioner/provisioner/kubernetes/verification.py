"""Proof that the storage is shared: pods write, are gone, and one that never saw them reads every byte back.

Phases, each of which may be entered again at any line: start -> write -> stop_writers -> read -> clean_up.
What was learnt so far travels in `progress`; the function itself remembers nothing.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict

from provisioner.errors import BoundaryError, ErrorReason, TerminalError
from provisioner.kubernetes import verification_objects as objects
from provisioner.kubernetes.client import KubernetesApi, Manifest
from provisioner.kubernetes.errors import AccessNotYetEffective, is_refused_for_good
from provisioner.kubernetes.evidence import AppenderEvidence, Evidence, PodEvidence, ReaderEvidence, sealed
from provisioner.kubernetes.pods import (
    Printed,
    is_held_by_default_scheduler,
    is_leaving,
    is_ready,
    latest_messages,
    phase,
    pod_evidence,
    say_why,
    troubles,
    utc_seconds,
)
from provisioner.kubernetes.proof import counter_of, differences, nonce_of
from provisioner.observation import Observation, Reason
from provisioner.request import Request

# A pod on Fargate takes about a minute: a first long look, then short ones.
_FIRST_LOOK_SECONDS: Final = 15
_POLL_SECONDS: Final = 5
_SOON_SECONDS: Final = 2
_HELD_SECONDS: Final = 30
# A first pod takes a minute or two, a mount target's name another: what is refused for this long stays refused.
_STANDSTILL_SECONDS: Final = 480
_PHASES: Final = ("start", "write", "stop_writers", "read", "clean_up")
_REMEDY: Final = "see the pods' events above, correct their cause, then start again"


class Progress(BaseModel):
    model_config = ConfigDict(extra="forbid")

    phase: Literal["start", "write", "stop_writers", "read", "clean_up"] = "start"
    # The sum of the waits asked for, not a clock: bounds stay right when the machine's time is scaled.
    waited_seconds: int = 0
    # The most that was reached (phase, pods that are done, pods that run), and waited_seconds when it was.
    reached: tuple[int, int, int] = (0, 0, 0)
    reached_after: int = 0
    # uid of a pod that the default scheduler holds -> waited_seconds when it was first seen so.
    held_since: dict[str, int] = {}
    # What earlier runs left behind, as it was found: "Pod default/verification-0123456789ab-reader".
    strays: list[str] = []
    writers: list[PodEvidence] = []
    appender: AppenderEvidence | None = None
    evidence: dict[str, Any] | None = None


def verify(
    request: Request,
    api: KubernetesApi,
    run_id: str,
    progress: Mapping[str, Any] | None,
    now: Callable[[], datetime],
    *,
    file_system_id: str,
    access_point_id: str | None,
) -> Observation:
    """One step towards the evidence: `progress` to be handed in again while pending, `evidence` when ready.

    Idempotency key: `run_id`, from the execution: in every name and label. Never blocks; gives up, counted in the
    waits it has asked for, after verification.timeout_seconds, and before when nothing has got further for eight
    minutes (for half of the time-out, if that is more) and it is said what keeps it. Objects of the run are removed
    whatever happens.
    Raises: TerminalError VerificationFailed naming every difference or what the pods wait for, AdmissionRefused;
    UnsettledError, RetryableError.
    Source: EFS user guide, "Data consistency in Amazon EFS": close-to-open; NFS has no atomic append across clients.
    """
    run = _Run(request, api, run_id, Progress.model_validate(progress or {}), now, file_system_id, access_point_id)
    try:
        return run.advance()
    except TerminalError:
        # The failure is the news; what could not be removed now is a stray that the next run removes.
        with contextlib.suppress(BoundaryError, AccessNotYetEffective):
            objects.remove(api, request, run_id)
        raise


def clean_up(api: KubernetesApi) -> list[str]:
    """Remove what any proof has left in the cluster, while none is at work; what was found.

    Raises: TerminalError AccessDenied where the cluster does not let us in; UnsettledError, RetryableError.
    """
    try:
        return [objects.full_name(each) for each in objects.remove_all(api)]
    except AccessNotYetEffective as refusal:
        raise TerminalError(
            ErrorReason.ACCESS_DENIED, str(refusal), remedy="let the provisioner's role in, then start again"
        ) from None


class _Run:
    def __init__(
        self,
        request: Request,
        api: KubernetesApi,
        run_id: str,
        progress: Progress,
        now: Callable[[], datetime],
        file_system_id: str,
        access_point_id: str | None,
    ) -> None:
        self.request = request
        self.api = api
        self.run_id = run_id
        self.progress = progress
        self.now = now
        self.file_system_id = file_system_id
        self.access_point_id = access_point_id

    def advance(self) -> Observation:
        try:
            return self._phase()
        except AccessNotYetEffective as refusal:
            return self._wait(Reason.ACCESS_NOT_YET_EFFECTIVE, _POLL_SECONDS, because=str(refusal), is_refused=True)

    def _phase(self) -> Observation:
        match self.progress.phase:
            case "start":
                return self._start()
            case "write":
                return self._write()
            case "stop_writers":
                return self._stop_writers()
            case "read":
                return self._read()
            case "clean_up":
                return self._clean_up()

    def _start(self) -> Observation:
        # They would count against quotas, and may still write.
        if left := objects.remove_strays(self.api, self.run_id):
            self.progress.strays = sorted({*self.progress.strays, *map(objects.full_name, left)})
            return self._wait(
                Reason.STRAYS_TERMINATING,
                _POLL_SECONDS,
                because=f"left by earlier runs: {', '.join(self.progress.strays)}",
            )
        self._apply(objects.writers(self.request, self.run_id))
        self._apply(objects.appender(self.request, self.run_id))
        self.progress.phase = "write"
        return self._wait(Reason.WRITERS_STARTING, _FIRST_LOOK_SECONDS)

    def _write(self) -> Observation:
        pods = objects.pods_of(self.api, self.request, self.run_id, "writer")
        writers = [pod for pod in pods if not is_leaving(pod)]
        self._collect_writers(writers)
        done = {writer.pod for writer in self.progress.writers}
        unfinished = [pod for pod in writers if pod["metadata"]["name"] not in done]
        if self.progress.appender is None and (appender := self._collect_appender()):
            unfinished.append(appender)

        missing = self.request.verification.writers - len(writers)
        if not unfinished and missing == 0 and self.progress.appender is not None:
            # What the writers said must be safe with the state machine before they go: this call may yet be lost.
            self.progress.phase = "stop_writers"
            return self._wait(Reason.WRITERS_TERMINATING, _SOON_SECONDS)
        refused = self._refused_writers() if missing else ""
        self._recreate_held(unfinished)
        running = missing == 0 and all(phase(pod) != "Pending" for pod in unfinished)
        return self._wait(
            Reason.WRITERS_WRITING if running else Reason.WRITERS_STARTING,
            _SOON_SECONDS if running else _POLL_SECONDS,
            unfinished=unfinished,
            because=f"{len(writers)} of {self.request.verification.writers} writers exist{refused}" if missing else "",
            is_refused=bool(refused),
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
        for pod in writers:
            if pod["metadata"]["name"] in known or not is_ready(pod):
                continue
            printed = Printed(self.api.logs(pod))
            if printed.finished:
                self.progress.writers.append(pod_evidence(self.api, pod, printed, printed.finished))

    def _collect_appender(self) -> Manifest | None:
        """The appender while it is not done; made again where it was recreated."""
        pod = self._pod_of("appender") or self._apply(objects.appender(self.request, self.run_id))
        printed = self._finished(pod)
        if printed is None or printed.finished is None:
            return pod
        observed = pod_evidence(self.api, pod, printed, printed.finished)
        self.progress.appender = AppenderEvidence(**observed.model_dump(), text=printed.tagged("text"))
        return None

    def _stop_writers(self) -> Observation:
        # Also the kernel's cache of a writing node must not be what the reader reads.
        if leaving := objects.remove_writing(self.api, self.request, self.run_id):
            return self._wait(
                Reason.WRITERS_TERMINATING,
                _POLL_SECONDS,
                unfinished=[each for each in leaving if each["kind"] == "Pod"],
            )
        self.progress.phase = "read"
        return self._read()

    def _read(self) -> Observation:
        pod = self._pod_of("reader")
        if pod is None:
            self._apply(objects.reader(self.request, self.run_id))
            return self._wait(Reason.READER_STARTING, _FIRST_LOOK_SECONDS)
        printed = self._finished(pod)
        if printed is None or printed.finished is None:
            self._recreate_held([pod])
            running = phase(pod) != "Pending"
            return self._wait(
                Reason.READER_READING if running else Reason.READER_STARTING,
                _SOON_SECONDS if running else _POLL_SECONDS,
                unfinished=[pod],
            )
        observed = pod_evidence(self.api, pod, printed, printed.finished)
        self.progress.evidence = self._proven(
            ReaderEvidence(**observed.model_dump(), listing=printed.tagged("listing"), text=printed.tagged("text")),
            printed.tagged("counter"),
        )
        self.progress.phase = "clean_up"
        self.progress.writers, self.progress.appender = [], None  # the evidence has them; a payload has 256 KiB
        return self._wait(Reason.CLEANING_UP, _SOON_SECONDS)

    def _proven(self, reader: ReaderEvidence, counted: list[str]) -> dict[str, Any]:
        verification = self.request.verification
        nonce = nonce_of(self.run_id)
        writers, appender = self.progress.writers, self.progress.appender
        assert appender is not None, "the phase `write` ends with the appender's evidence"  # noqa: S101
        counter = counter_of(verification.writers, counted)
        found = differences(nonce, verification.lines_per_writer, writers, appender, reader, counter)
        if found:
            raise TerminalError(
                ErrorReason.VERIFICATION_FAILED,
                "; ".join(found),
                remedy="do not use this storage before the cause is found",
            )
        return sealed(
            Evidence(
                run_id=self.run_id,
                nonce=nonce,
                file_system_id=self.file_system_id,
                access_point_id=self.access_point_id,
                image=verification.image,
                lines_per_writer=verification.lines_per_writer,
                counter=counter,
                verified_at=utc_seconds(self.now()),
                writers=writers,
                appender=appender,
                reader=reader,
            )
        )

    def _clean_up(self) -> Observation:
        if objects.remove(self.api, self.request, self.run_id):
            return self._wait(Reason.CLEANING_UP, _SOON_SECONDS)
        return Observation.ready_with(progress=self.progress.model_dump(mode="json"), evidence=self.progress.evidence)

    def _finished(self, pod: Manifest) -> Printed | None:
        """What a pod that runs once has printed, when it is through; None while it is not."""
        match phase(pod):
            case "Succeeded":
                return Printed(self.api.logs(pod))
            case "Failed":
                name = pod["metadata"]["name"]
                why = pod["status"].get("message") or Printed(self.api.logs(pod)).tail or "it printed nothing"
                raise TerminalError(
                    ErrorReason.VERIFICATION_FAILED, f"Pod {name} failed: {why}", remedy="correct the cause it names"
                )
            case _:
                return None

    def _recreate_held(self, pods: list[Manifest]) -> None:
        """Delete what the default scheduler has held for long enough: its owner, or the next call, makes it again."""
        held = {pod["metadata"]["uid"]: pod for pod in pods if is_held_by_default_scheduler(pod)}
        waited = self.progress.waited_seconds
        since = {uid: self.progress.held_since.get(uid, waited) for uid in held}
        for uid, pod in held.items():
            if waited - since[uid] >= _HELD_SECONDS and not is_leaving(pod):
                self.api.delete(pod)
        self.progress.held_since = since

    def _pod_of(self, role: Literal["appender", "reader"]) -> Manifest | None:
        return self.api.get("Pod", objects.name_of(role, self.run_id), self.request.storage.namespace)

    def _apply(self, wanted: Manifest) -> Manifest:
        metadata = wanted["metadata"]
        found = self.api.get(wanted["kind"], metadata["name"], metadata["namespace"])
        return self.api.apply(wanted, over=found)

    def _wait(
        self,
        reason: Reason,
        seconds: int,
        *,
        unfinished: Sequence[Manifest] = (),
        because: str = "",
        is_refused: bool = False,
    ) -> Observation:
        self._note_progress(unfinished)
        waited, limit = self.progress.waited_seconds, self.request.verification.timeout_seconds
        still = waited - self.progress.reached_after
        if waited >= limit or (
            still >= max(_STANDSTILL_SECONDS, limit // 2) and (is_refused or self._say_why(unfinished))
        ):
            details = "; ".join(filter(None, (because, self._troubles(unfinished))))
            raise TerminalError(
                ErrorReason.VERIFICATION_FAILED,
                f"still {reason} after {waited} s: {details or 'no pod says why'}",
                remedy=_REMEDY,
            )
        self.progress.waited_seconds += seconds
        return Observation.pending(reason, retry_after_seconds=seconds, progress=self.progress.model_dump(mode="json"))

    def _note_progress(self, unfinished: Sequence[Manifest]) -> None:
        progress = self.progress
        done = len(progress.writers) + (progress.appender is not None)
        run = sum(phase(pod) != "Pending" for pod in unfinished)
        if (reached := (_PHASES.index(progress.phase), done, run)) > progress.reached:
            progress.reached, progress.reached_after = reached, progress.waited_seconds

    def _say_why(self, unfinished: Sequence[Manifest]) -> bool:
        try:
            return say_why(self.api, unfinished)
        except AccessNotYetEffective:
            return True

    def _troubles(self, unfinished: Sequence[Manifest]) -> str:
        try:
            return troubles(self.api, unfinished)
        except AccessNotYetEffective as refusal:
            return str(refusal)
