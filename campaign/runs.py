"""One cloud in which machines run, each time with other faults armed."""

import itertools
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from campaign.clocks import WrongClock
from campaign.deaths import Death
from campaign.faults import OF_A_CLOCK, OF_A_STATE, OF_A_TRIGGER, TIMES, UNHEARD, Fault, Striker
from campaign.judge import Outcome, Seen, is_as_well, judged, judged_twice
from campaign.machines import READS_ONLY, Ended, Stack
from campaign.requests import Recorder, Request
from campaign.results import EMBEDDED, REAL, Combination, Result
from campaign.triggers import Again
from local.cloud import EmbeddedCloud
from local.kubernetes.embedded.server import EmbeddedControlPlanes
from local.kubernetes.front_door import front_doors
from local.wire import Answer, Between, Exchange, Wire

RUNS_IN_A_CLOUD: Final = 40
TOGETHER: Final = 24
"""So many faults that a run outlives meet one run; where it does not, each half of them meets one, and so on."""
IN_TURN: Final = 8
"""So many that last meet a run each, over what the one before has left, until one run without any has to converge."""
_ALONE: Final = (Fault.CONDITION_FAILED, Fault.TRIGGERED_AGAIN, *OF_A_STATE)
"""They end a run, or make another."""
OnTheWire = Striker | Death | Again | WrongClock
_SHARED: Final = "shared"
"""The one cluster that is only looked at."""


class Campaign:
    """Of one stack. Runs without fault are made as they are needed: machine -> how it ended, what it asked."""

    def __init__(
        self,
        stack: Stack,
        good_runs: dict[str, tuple[Seen, Sequence[Request]]] | None = None,
        real_kubernetes: Wire | None = None,
    ) -> None:
        """`real_kubernetes` is in front of the control planes, if they are real ones."""
        self.stack = stack
        planes = stack.cloud.control_planes
        wire = planes.wire if isinstance(planes, EmbeddedControlPlanes) else real_kubernetes
        assert wire is not None, "a real control plane lets nobody in between by itself"  # noqa: S101
        self._kubernetes = wire
        self.good_runs = good_runs if good_runs is not None else {}
        self._met, self._is_spoilt = 0, False
        self._clusters = (f"{stack.name}-{number}" for number in itertools.count(1))

    def requests(self, machine: str) -> set[Request]:
        """Of a good run; the checks that the fleet starts are tried by themselves."""
        requests = set(self._of_a_good_run(machine)[1])
        if machine != "Fleet":
            return requests
        checks = {each.caller for each in self._of_a_good_run("Reverify")[1]}
        return {each for each in requests if each.caller not in checks}

    def know(self, *machines: str) -> None:
        for machine in machines:
            self._of_a_good_run(machine)

    def serves(self, combination: Combination) -> bool:
        """What earlier runs have left makes every list longer, and may be in the way of another machine."""
        others = [each for each in self.good_runs if each != combination.machine]
        if self.stack.cloud.control_planes.name != combination.kubernetes:
            return False
        return not others and not self._is_spoilt and self._met < RUNS_IN_A_CLOUD

    def meet(self, *batch: Combination) -> list[Result]:
        """A batch of `batches`."""
        return self._in_turn(*batch) if len(batch) > 1 and lasts(batch[0]) else self._together(*batch)

    def _together(self, *together: Combination) -> list[Result]:
        """Runs their machine with these faults, and again without if it failed; by halves if together is no good."""
        started = time.monotonic()
        machine = together[0].machine
        good, _ = self._of_a_good_run(machine)
        cluster = self._cluster(machine)
        given = self.stack.prepare(machine, cluster)
        strikers = {each: self._striker(each) for each in together}
        met, others = self._run(machine, given, cluster, strikers)
        again = None
        if not any(is_as_well(good.ended, each) for each in (met.ended, *others)) and len(together) == 1:
            again, _ = self._run(machine, given, cluster, {})
        request, is_stopped = Request.of(together[0].subject), any(each.fault == Fault.STOPPED for each in together)
        if others:
            outcome, why = judged_twice(good, met, others[0], again, request)
        else:
            may_repeat = any(map(_may_repeat, together))
            outcome, why = judged(good, met, again, request, is_stopped=is_stopped, may_repeat=may_repeat)
        if machine not in READS_ONLY:
            self.stack.cloud.drop_clusters()
        self._is_spoilt |= outcome is Outcome.UNEXPECTED and machine in READS_ONLY
        if len(together) > 1 and outcome is not Outcome.AS_WITHOUT:
            middle = len(together) // 2
            return [*self._together(*together[:middle]), *self._together(*together[middle:])]
        seconds = round((time.monotonic() - started) / len(together), 1)
        return [
            Result(each, outcome if striker.struck else _unmet(outcome), why, striker.struck, seconds)
            for each, striker in strikers.items()
        ]

    def _in_turn(self, *chain: Combination) -> list[Result]:
        """Whoever asks first meets its fault first, so that what the others ask is still to be asked.

        A run that ends well ends the turn: it has converged what failed before. What was not met is tried alone.
        """
        started = time.monotonic()
        machine = chain[0].machine
        good, requests = self._of_a_good_run(machine)
        asked = {str(each): at for at, each in reversed(list(enumerate(requests)))}
        left = sorted(chain, key=lambda each: asked.get(each.subject, len(asked)))
        cluster = self._cluster(machine)
        given = self.stack.prepare(machine, cluster)
        met: dict[Combination, tuple[Seen, int]] = {}
        last = None
        while left and last is None:
            each = left.pop(0)
            striker = self._striker(each)
            seen, _ = self._run(machine, given, cluster, {each: striker})
            met[each] = seen, striker.struck
            last = seen if is_as_well(good.ended, seen.ended) else None
        if last is None:
            last, _ = self._run(machine, given, cluster, {})
        if machine not in READS_ONLY:
            self.stack.cloud.drop_clusters()
        seconds = round((time.monotonic() - started) / len(met), 1)
        results = []
        for each, (seen, struck) in met.items():
            again, request = None if seen is last else last, Request.of(each.subject)
            outcome, why = judged(good, seen, again, request, may_repeat=_may_repeat(each))
            results.append(Result(each, outcome, why, struck, seconds))
        return [*self._without_doubt(results), *(self._in_turn(*left) if left else ())]

    def _without_doubt(self, results: Sequence[Result]) -> list[Result]:
        """What is not as expected is tried alone, to see whether it is that fault, or that it came after others."""
        sure = [each for each in results if each.struck and each.outcome is not Outcome.UNEXPECTED]
        doubtful = [each for each in results if each not in sure]
        alone = {each: self._together(each.combination) for each in doubtful}
        if any(each.outcome is Outcome.UNEXPECTED for tried in alone.values() for each in tried):
            return [*sure, *(each for tried in alone.values() for each in tried)]
        for each in doubtful:
            self._is_spoilt |= bool(each.struck) and each.combination.machine in READS_ONLY
            sure += [replace(each, why=f"after others: {each.why}")] if each.struck else alone[each]
        return sure

    def _run(
        self, machine: str, given: Mapping[str, Any], cluster: str, strikers: Mapping[Combination, OnTheWire]
    ) -> tuple[Seen, list[Ended]]:
        """With these faults; and how what they have started beside it has ended."""
        self._met += 1
        for each in strikers:
            # A warm function has its sessions already, and asks for none.
            self.stack.retire(Request.of(each.subject).caller)
        with self._between(_one_after_the_other(*strikers.values())):
            ended = self.stack.run(machine, given)
            others = [self.stack.wait(arn) for each in strikers.values() for arn in _started(each)]
            return Seen(ended, self.stack.state_of(cluster)), others

    def _of_a_good_run(self, machine: str) -> tuple[Seen, Sequence[Request]]:
        if machine not in self.good_runs:
            cluster = self._cluster(machine)
            given = self.stack.prepare(machine, cluster)
            self.stack.retire("")
            recorder = Recorder()
            with self._between(recorder):
                ended = self.stack.run(machine, given)
            if ended.status != "SUCCEEDED":
                raise RuntimeError(f"{machine} does not even succeed without a fault: {ended.cause}")
            self.good_runs[machine] = Seen(ended, self.stack.state_of(cluster)), recorder.seen
        return self.good_runs[machine]

    def _striker(self, combination: Combination) -> OnTheWire:
        request, fault = Request.of(combination.subject), Fault(combination.fault)
        if fault in OF_A_TRIGGER:
            return Again(request, fault, self.stack)
        if fault in OF_A_CLOCK:
            return WrongClock(request, fault, TIMES[combination.times], self.stack)
        if fault not in OF_A_STATE:
            return Striker(request, fault, TIMES[combination.times])
        function = request.name.rpartition(" ")[2]
        of_it = [each for each in self.good_runs[combination.machine][1] if each.caller == function]
        return Death(request, fault, self.stack, of_it[len(of_it) // 2] if of_it else None)

    def _cluster(self, machine: str) -> str:
        return _SHARED if machine in READS_ONLY else next(self._clusters)

    @contextmanager
    def _between(self, between: Between) -> Iterator[None]:
        with ExitStack() as undone:
            for wire in (self.stack.cloud.server.wire, self._kubernetes):
                undone.callback(wire.put_between(between))
            yield


def batches(combinations: Sequence[Combination]) -> Iterator[list[Combination]]:
    """What passes together, what lasts in turn, each of another request; the rest alone."""
    waiting: dict[tuple[str, bool], list[Combination]] = {}
    for each in combinations:
        if each.fault in _ALONE:
            yield [each]
            continue
        kind = each.machine, lasts(each)
        batch = waiting.setdefault(kind, [])
        if each.subject in {other.subject for other in batch} or len(batch) == (IN_TURN if lasts(each) else TOGETHER):
            yield waiting.pop(kind)
            batch = waiting.setdefault(kind, [])
        batch.append(each)
    yield from waiting.values()


def lasts(combination: Combination) -> bool:
    """It is expected to end a run; what is only old does not."""
    return combination.times == "for ever" and combination.fault not in (*_ALONE, Fault.STALE_READ)


@contextmanager
def campaign(kubernetes: str = EMBEDDED) -> Iterator[Campaign]:
    wire = Wire()
    with (
        tempfile.TemporaryDirectory() as directory,
        EmbeddedCloud(Path(directory), kubernetes=kubernetes) as cloud,
        front_doors(cloud, wire) if kubernetes == REAL else nullcontext(),
    ):
        stack = Stack(cloud, cloud.deploy(parameters={"NewAccountTrigger": "DISABLED"}))
        yield Campaign(stack, real_kubernetes=wire)


def _unmet(outcome: Outcome) -> Outcome:
    return Outcome.NOT_MET if outcome is Outcome.AS_WITHOUT else outcome


def _may_repeat(combination: Combination) -> bool:
    return combination.subject.endswith("events:PutEvents") and combination.fault in UNHEARD


def _started(by: OnTheWire) -> Sequence[str]:
    return by.started if isinstance(by, Again) else ()


def _one_after_the_other(*strikers: OnTheWire) -> Between:
    def pass_on(exchange: Exchange, rest: Sequence[OnTheWire]) -> Answer:
        if not rest:
            return exchange.perform()
        return rest[0](replace(exchange, perform=partial(pass_on, exchange, rest[1:])))

    return lambda exchange: pass_on(exchange, strikers)
