"""Several clouds at once, a process each."""

import multiprocessing
from collections.abc import Sequence
from contextlib import ExitStack

from campaign.results import NAMES, Combination, Results
from campaign.runs import Campaign, campaign

Batch = Sequence[Combination]


def share_out(whole: Sequence[Batch], results: Results, again: str | None, jobs: int) -> None:
    """Dealt like cards, so that each job has some of each machine; moto is one per process."""
    if jobs == 1:
        try_all(whole, results, again)
        return
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=try_all, args=(whole[job::jobs], results, again)) for job in range(jobs)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    if any(each.exitcode for each in workers):
        raise SystemExit("a job broke off; what it said is above")


def try_all(part: Sequence[Batch], results: Results, again: str | None) -> None:
    with ExitStack() as clouds:
        running: Campaign | None = None
        for batch in part:
            if running is None or not running.serves(batch[0]):
                clouds.close()
                running = clouds.enter_context(campaign(batch[0].kubernetes))
            known = results.of()
            # Somebody else may have tried some meanwhile.
            left = [each for each in batch if (known[each].outcome if each in known else None) == again]
            for result in running.meet(*left) if left else ():
                results.add(result)
                told = ": ".join(getattr(result.combination, each) for each in NAMES)
                print(f"{result.seconds:6.1f} s  {told}: {result.outcome} {result.why}", flush=True)
