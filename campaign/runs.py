"""One cloud in which machines run, each time with other faults armed."""

import itertools
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from campaign.clocks import WrongClock
from campaign.deaths import Death
from campaign.faults import OF_A_CLOCK, OF_A_STATE, OF_A_TRIGGER, TIMES, UNHEARD, Fault, Striker
from campaign.judge import Outcome, Seen, is_as_well, judged, judged_twice
from campaign.machines import READS_ONLY, Stack
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
_ALONE: Final = (Fault.CONDITION_FAILED, Fault.TRIGGERED_AGAIN, *OF_A_STATE)
"""They end a run, or make another; as what lasts for ever does, unless it is only old."""
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

    def meet(self, *together: Combination) -> list[Result]:
        """Runs their machine with these faults, and again without if it failed; by halves if together is no good."""
        started = time.monotonic()
        machine = together[0].machine
        good, _ = self._of_a_good_run(machine)
        strikers = {each: self._striker(each) for each in together}
        cluster = self._cluster(machine)
        given = self.stack.prepare(machine, cluster)
        for each in together:
            # A warm function has its sessions already, and asks for none.
            self.stack.retire(Request.of(each.subject).caller)
        with self._between(_one_after_the_other(*strikers.values())):
            ended = self.stack.run(machine, given)
            others = [self.stack.wait(arn) for each in strikers.values() for arn in _started(each)]
            met = Seen(ended, self.stack.state_of(cluster))
        again = None
        if not any(is_as_well(good.ended, each) for each in (ended, *others)) and len(together) == 1:
            again = Seen(self.stack.run(machine, given), self.stack.state_of(cluster))
        request, is_stopped = Request.of(together[0].subject), any(each.fault == Fault.STOPPED for each in together)
        if others:
            outcome, why = judged_twice(good, met, others[0], again, request)
        else:
            may_repeat = any(each.subject.endswith("events:PutEvents") and each.fault in UNHEARD for each in together)
            outcome, why = judged(good, met, again, request, is_stopped=is_stopped, may_repeat=may_repeat)
        if machine not in READS_ONLY:
            self.stack.cloud.drop_clusters()
        self._met += 1
        self._is_spoilt |= outcome is Outcome.UNEXPECTED and machine in READS_ONLY
        if len(together) > 1 and outcome is not Outcome.AS_WITHOUT:
            middle = len(together) // 2
            return [*self.meet(*together[:middle]), *self.meet(*together[middle:])]
        seconds = round((time.monotonic() - started) / len(together), 1)
        return [
            Result(each, outcome if striker.struck else _unmet(outcome), why, striker.struck, seconds)
            for each, striker in strikers.items()
        ]

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
    """Those that are expected to be outlived together, each of another request; the others alone."""
    waiting: dict[str, list[Combination]] = {}
    for each in combinations:
        if each.fault in _ALONE or (each.times == "for ever" and each.fault != Fault.STALE_READ):
            yield [each]
            continue
        batch = waiting.setdefault(each.machine, [])
        if each.subject in {other.subject for other in batch} or len(batch) == TOGETHER:
            yield waiting.pop(each.machine)
            batch = waiting.setdefault(each.machine, [])
        batch.append(each)
    yield from waiting.values()


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


def _started(by: OnTheWire) -> Sequence[str]:
    return by.started if isinstance(by, Again) else ()


def _one_after_the_other(*strikers: OnTheWire) -> Between:
    def pass_on(exchange: Exchange, rest: Sequence[OnTheWire]) -> Answer:
        if not rest:
            return exchange.perform()
        return rest[0](replace(exchange, perform=partial(pass_on, exchange, rest[1:])))

    return lambda exchange: pass_on(exchange, strikers)
