"""`make campaign`: see campaign/__init__.py; writes campaign/results.jsonl and docs/reliability.md."""

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from campaign.document import DOCUMENT, SEED, render
from campaign.jobs import share_out
from campaign.judge import Outcome
from campaign.machines import MACHINES
from campaign.results import EMBEDDED, NAMES, RESULTS, Combination, Results
from campaign.runs import batches, campaign
from local.cloud import KUBERNETES_KINDS


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make campaign", description=__doc__)
    parser.add_argument("--seed", type=int, default=SEED, help="of the order in which combinations are tried")
    parser.add_argument("--sample", type=int, help="how many combinations to try; all by default")
    parser.add_argument("--only", default="", help=f"with wildcards: {','.join(f'{each}=…' for each in NAMES)}")
    parser.add_argument("--again", choices=tuple(Outcome), help="those whose outcome was this one, and no others")
    parser.add_argument("--kubernetes", choices=KUBERNETES_KINDS, default=EMBEDDED, help="the control planes")
    parser.add_argument("--record", action="store_true", help="what the machines ask today, as after a change of them")
    parser.add_argument("--jobs", type=int, default=1, help="how many clouds at once, in a process each")
    parser.add_argument("--results", type=Path, default=RESULTS, help="what is in it is not tried again")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    asked = arguments(argv)
    results, only = Results(asked.results), wanted(asked.only)
    record(results, only.get("machine", "*"), anew=asked.record)
    outcomes = {each: result.outcome for each, result in results.of().items()}
    candidates = [
        each
        for combinations in results.recorded_on(asked.kubernetes).values()
        for each in combinations
        if outcomes.get(each) == asked.again and all(fnmatchcase(getattr(each, n), p) for n, p in only.items())
    ]
    chosen = in_order(results, candidates, asked.seed)[: asked.sample]
    # The runs that tell the most first; each machine's one after the other, since another needs another cloud.
    runs = sorted(batches(chosen), key=lambda together: (len(together) == 1, together[0].machine))
    share_out(runs, results, asked.again, asked.jobs)
    if asked.results == RESULTS:
        results.tidy()
        DOCUMENT.write_text(render(results))
    unexpected = [each for each in results.of().values() if each.outcome == Outcome.UNEXPECTED]
    print(f"{len(results.of())} combinations have been tried, {len(unexpected)} of them ended unexpectedly")
    return 1 if unexpected else 0


def wanted(only: str) -> Mapping[str, str]:
    pairs = dict(each.split("=", 1) for each in only.split(",") if each)
    if unknown := [each for each in pairs if each not in NAMES]:
        raise SystemExit(f"--only knows {', '.join(NAMES)}, not {', '.join(unknown)}")
    return pairs


def record(results: Results, machines: str, *, anew: bool) -> None:
    """What a good run of each machine asks today, unless the file tells it."""
    known = () if anew else results.recorded()
    missing = [each for each in MACHINES if fnmatchcase(each, machines) and each not in known]
    if missing:
        with campaign() as recording:
            for machine in missing:
                results.record(machine, recording.requests(machine))


def in_order(results: Results, candidates: Iterable[Combination], seed: int) -> list[Combination]:
    """Shuffled, and then such that each row of the document has about as many as each other: the emptiest first."""
    shuffled = sorted(candidates)
    random.Random(seed).shuffle(shuffled)  # noqa: S311
    filled = Counter(each.row for each in results.of())
    ranked = []
    for each in shuffled:
        ranked.append((filled[each.row], each))
        filled[each.row] += 1
    return [each for _, each in sorted(ranked, key=lambda ranked: ranked[0])]


if __name__ == "__main__":
    sys.exit(main())
