"""Proof that the storage is shared: pods write, and one that is made when all have written reads every byte back.

Phases, each of which may be entered again at any line: start -> write -> look -> stop_writers -> read -> remove ->
clean_up.
Volumes go through them side by side, each phase with all of them: what one volume's pods look for in another, in
`look`, is then surely there, as its reader shows afterwards. What was learnt so far travels in `progress`; the
function itself remembers nothing.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict

from provisioner.errors import BoundaryError, ErrorReason, TerminalError
from provisioner.kubernetes import isolation, proven
from provisioner.kubernetes import verification_objects as objects
from provisioner.kubernetes.client import KubernetesApi, Manifest
from provisioner.kubernetes.errors import AccessNotYetEffective
from provisioner.kubernetes.evidence import Evidence, SealedEvidence, sealed
from provisioner.kubernetes.measurements import measurements, proof_of, recorded_with
from provisioner.kubernetes.pods import is_held_by_default_scheduler, is_leaving, phase, say_why, troubles, utc_seconds
from provisioner.kubernetes.proof import nonce_of, run_ids_of
from provisioner.kubernetes.slower import slower
from provisioner.kubernetes.volume_proof import POLL_SECONDS, VolumeProgress, VolumeProof, Waiting
from provisioner.observation import Observation, Reason
from provisioner.request import Request

_HELD_SECONDS: Final = 30
# A first pod takes a minute or two, a mount target's name another: what is refused for this long stays refused.
_STANDSTILL_SECONDS: Final = 480
_REMEDY: Final = "see the pods' events above, correct their cause, then start again"

Phase = Literal["start", "write", "look", "stop_writers", "read", "remove", "clean_up"]
_PHASES: Final = get_args(Phase)


class Progress(BaseModel):
    model_config = ConfigDict(extra="forbid")

    phase: Phase = "start"
    # The sum of the waits asked for, not a clock: bounds stay right when the machine's time is scaled.
    waited_seconds: int = 0
    # The most that was reached (phase, pods that are done, pods that run), and waited_seconds when it was.
    reached: tuple[int, int, int] = (0, 0, 0)
    reached_after: int = 0
    # uid of a pod that the default scheduler holds -> waited_seconds when it was first seen so.
    held_since: dict[str, int] = {}
    # What earlier runs left behind, as it was found: "Pod default/verification-0123456789ab-reader".
    strays: list[str] = []
    # In the request's order.
    volumes: list[VolumeProgress] = []
    evidence: dict[str, Any] | None = None


def verify(
    request: Request,
    api: KubernetesApi,
    run_id: str,
    progress: Mapping[str, Any] | None,
    now: Callable[[], datetime],
    *,
    file_system_id: str,
    access_point_ids: Mapping[str, str | None],
    measured: str = "[]",
    throughput: Mapping[str, Any] | None = None,
) -> Observation:
    """One step towards the evidence: `progress` to be handed in again while pending; `evidence` when ready, `measured`
    with what this proof has measured, and how it is `slower` than those before.

    `access_point_ids`: name of the volume -> id, null for the file system's root. `measured`: what earlier proofs have
    measured, as the record has it. `throughput`: see provisioner.kubernetes.slower.
    Idempotency key: `run_id`, from the execution: in every name and label. Never blocks; gives up, counted in the
    waits it has asked for, after verification.timeout_seconds, and before when nothing has got further for eight
    minutes (for half of the time-out, if that is more) and it is said what keeps it. The removal of its pods, once
    they have proven it, has that time anew. Objects of the run are removed whatever happens.
    Raises: TerminalError VerificationFailed naming every difference or what the pods wait for, AdmissionRefused;
    UnsettledError, RetryableError.
    Source: EFS user guide, "Data consistency in Amazon EFS": close-to-open; NFS has no atomic append across clients.
    """
    volumes = request.of_each_volume
    known = Progress.model_validate(progress or {"volumes": [{} for _ in volumes]})
    proofs = [
        VolumeProof(
            one, api, part, said, file_system_id, access_point_ids[one.storage.persistent_volume], one is volumes[0]
        )
        for one, part, said in zip(volumes, run_ids_of(run_id, len(volumes)), known.volumes, strict=True)
    ]
    run = _Run(request, api, run_id, known, proofs, now)
    try:
        observation = run.advance()
    except TerminalError:
        # The failure is the news; what could not be removed now is a stray that the next run removes.
        for each in proofs:
            with contextlib.suppress(BoundaryError, AccessNotYetEffective):
                each.clean_up()
        raise
    return _judged(observation, measured, throughput) if observation.ready else observation


def _judged(proven: Observation, earlier: str, throughput: Mapping[str, Any] | None) -> Observation:
    evidence = proven.facts["evidence"]
    measured = recorded_with(earlier, proof_of(SealedEvidence.model_validate(evidence)))
    found = [each.payload() for each in slower(measurements(measured), throughput)]
    return Observation.ready_with(evidence=evidence, measured=measured, slower=found)


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
        volumes: list[VolumeProof],
        now: Callable[[], datetime],
    ) -> None:
        self.request = request
        self.api = api
        self.run_id = run_id
        self.progress = progress
        self.volumes = volumes
        self.now = now

    def advance(self) -> Observation:
        try:
            return self._phase()
        except AccessNotYetEffective as refusal:
            return self._wait({}, Waiting(Reason.ACCESS_NOT_YET_EFFECTIVE, POLL_SECONDS, str(refusal), is_refused=True))

    def _phase(self) -> Observation:
        match self.progress.phase:
            case "start":
                return self._start()
            case "write":
                # What the writers said must be safe with the state machine before they go: this call may yet be lost.
                then: Phase = "look" if len(self.volumes) > 1 else "stop_writers"
                return self._each(VolumeProof.write) or self._go_on(then, Reason.WRITERS_TERMINATING)
            case "look":
                places = {each.name: isolation.places_of(each.request, each.run_id) for each in self.volumes}
                looking = self._each(lambda volume: volume.look(places))
                return looking or self._go_on("stop_writers", Reason.WRITERS_TERMINATING)
            case "stop_writers" | "read":
                return self._read()
            case "remove":
                for each in self.volumes:
                    each.clean_up()
                # A pod that has ended is gone at once. Source: Kubernetes, pkg/registry/core/pod/strategy.go,
                # CheckGracefulDelete.
                return self._go_on("clean_up", Reason.CLEANING_UP)
            case "clean_up":
                return self._each(VolumeProof.clean_up) or self._proven()

    def _start(self) -> Observation:
        # They would count against quotas, and may still write.
        if left := objects.remove_strays(self.api, [each.run_id for each in self.volumes]):
            self.progress.strays = sorted({*self.progress.strays, *map(objects.full_name, left)})
            because = f"left by earlier runs: {', '.join(self.progress.strays)}"
            return self._wait({}, Waiting(Reason.STRAYS_TERMINATING, POLL_SECONDS, because))
        waiting = {each.name: each.start() for each in self.volumes}
        self.progress.phase = "write"
        return self._wait(waiting)

    def _read(self) -> Observation:
        if self.progress.phase == "stop_writers":
            for each in self.volumes:
                each.stop_writers()
            self.progress.phase = "read"
        if reading := self._each(VolumeProof.read):
            return reading
        self.progress.evidence = self._evidence()
        # The evidence has it all; a payload has 256 KiB.
        self.progress.volumes = [VolumeProgress() for _ in self.volumes]
        return self._go_on("remove", Reason.CLEANING_UP)

    def _evidence(self) -> dict[str, Any]:
        first, *further = [each.evidence() for each in self.volumes]
        evidence = Evidence(
            **dict(first),
            run_id=self.run_id,
            nonce=nonce_of(self.volumes[0].run_id),
            image=self.request.verification.image,
            lines_per_writer=self.request.verification.lines_per_writer,
            verified_at=utc_seconds(self.now()),
            further_volumes=further,
        )
        if found := proven.differences(evidence):
            raise TerminalError(
                ErrorReason.VERIFICATION_FAILED,
                "; ".join(found),
                remedy="do not use this storage before the cause is found",
            )
        return sealed(evidence)

    def _proven(self) -> Observation:
        return Observation.ready_with(evidence=self.progress.evidence)

    def _each(self, step: Callable[[VolumeProof], Waiting | None]) -> Observation | None:
        """Every volume makes the step, however far the others are; None when all have."""
        made = {each.name: step(each) for each in self.volumes}
        waiting = {name: found for name, found in made.items() if found is not None}
        return self._wait(waiting) if waiting else None

    def _go_on(self, phase: Phase, reason: Reason) -> Observation:
        """At once, once the progress is safe with the state machine."""
        self.progress.phase = phase
        return self._wait({}, Waiting(reason, seconds=0))

    def _recreate_held(self, pods: list[Manifest]) -> None:
        """Delete what the default scheduler has held for long enough: its owner, or the next call, makes it again."""
        held = {pod["metadata"]["uid"]: pod for pod in pods if is_held_by_default_scheduler(pod)}
        waited = self.progress.waited_seconds
        since = {uid: self.progress.held_since.get(uid, waited) for uid in held}
        for uid, pod in held.items():
            if waited - since[uid] >= _HELD_SECONDS and not is_leaving(pod):
                self.api.delete(pod)
        self.progress.held_since = since

    def _wait(self, of_volumes: Mapping[str, Waiting], for_all: Waiting | None = None) -> Observation:
        """The longest of the waits that are asked for: shorter ones would count against those who ask for less."""
        waiting = [*of_volumes.values(), *([for_all] if for_all else [])]
        unfinished = [pod for each in waiting for pod in each.unfinished]
        self._note_progress(unfinished)
        waited, limit = self.progress.waited_seconds, self.request.verification.timeout_seconds
        still = waited - self.progress.reached_after
        # What is proven stays so, however late it came: its removal has the time again.
        spent = still if self.progress.phase in ("remove", "clean_up") else waited
        if spent >= limit or (
            still >= max(_STANDSTILL_SECONDS, limit // 2)
            and (any(each.is_refused for each in waiting) or self._say_why(unfinished))
        ):
            raise TerminalError(
                ErrorReason.VERIFICATION_FAILED,
                "; ".join(self._gave_up(name, each) for name, each in (of_volumes or {"": waiting[0]}).items()),
                remedy=_REMEDY,
            )
        self._recreate_held([pod for each in waiting for pod in each.held])
        slowest = max(waiting, key=lambda each: each.seconds)
        # As the state machines wait at least; what is counted here is to be what has passed.
        seconds = max(slowest.seconds, waited // 100) if slowest.seconds else 0
        self.progress.waited_seconds += seconds
        return Observation.pending(
            slowest.reason, retry_after_seconds=seconds, progress=self.progress.model_dump(mode="json")
        )

    def _gave_up(self, name: str, waiting: Waiting) -> str:
        details = "; ".join(filter(None, (waiting.because, self._troubles(waiting.unfinished))))
        whose = f"volume {name}: " if name and len(self.volumes) > 1 else ""
        after = self.progress.waited_seconds
        return f"{whose}still {waiting.reason} after {after} s: {details or 'no pod says why'}"

    def _note_progress(self, unfinished: Sequence[Manifest]) -> None:
        progress = self.progress
        done = sum(each.pods for each in progress.volumes)
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
