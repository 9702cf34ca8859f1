from provisioner.observation import Observation, Reason
from provisioner.removal.steps import Step, in_order, together

READY, BUSY = Observation.ready_with(), Observation.pending(Reason.DELETING, retry_after_seconds=5)
LONG = Observation.pending(Reason.DELETING, retry_after_seconds=60)


def noting(names: list[str], name: str, seen: Observation) -> Step:
    def step() -> Observation:
        names.append(name)
        return seen

    return step


def test_in_order_no_step_is_taken_before_those_before_it_are_through() -> None:
    names: list[str] = []
    assert in_order(noting(names, "a", READY), noting(names, "b", BUSY), noting(names, "c", READY)) is BUSY
    assert names == ["a", "b"]
    assert in_order(noting(names, "a", READY), noting(names, "b", READY)) == READY


def test_together_the_step_that_takes_longest_is_waited_for() -> None:
    assert together(noting([], "a", BUSY), noting([], "b", LONG), noting([], "c", BUSY)) is LONG


def test_together_every_step_is_taken_and_one_that_is_not_through_is_enough() -> None:
    names: list[str] = []
    assert together(noting(names, "a", BUSY), noting(names, "b", READY)) is BUSY
    assert names == ["a", "b"]
    assert together(noting(names, "a", READY), noting(names, "b", READY)) == READY
