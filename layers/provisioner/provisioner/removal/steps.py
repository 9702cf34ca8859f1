"""Several removals in an order: the first that is not through decides."""

from collections.abc import Callable

from provisioner.observation import Observation

Step = Callable[[], Observation]


def in_order(*steps: Step) -> Observation:
    """Each step only when those before it are ready; the last one's observation when all are."""
    seen = Observation.ready_with()
    for step in steps:
        seen = step()
        if not seen.ready:
            return seen
    return seen


def together(*steps: Step) -> Observation:
    """All steps, whatever the others wait for; of the observations that are not ready the one that waits longest."""
    waiting = [seen for seen in (step() for step in steps) if not seen.ready]
    return max(waiting, key=lambda each: each.retry_after_seconds, default=Observation.ready_with())
