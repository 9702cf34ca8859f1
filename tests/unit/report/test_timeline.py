"""The timeline tells from the history who ran when, beside whom and after whom."""

from provisioner.report.history import read
from provisioner.report.timeline import Row, Timeline, timeline
from tests.unit.report.samples import Story, good


def drawn(story: Story, **how: str) -> Timeline:
    return timeline(read(story.events), **how)


def row(found: Timeline, name: str) -> Row:
    (one,) = [each for each in found.rows if each.name == name]
    return one


def test_there_is_a_row_per_state_and_a_branch_stays_together_below_its_group() -> None:
    found = drawn(good(), without="Store evidence")
    assert [(each.name, each.branch, each.is_group) for each in found.rows] == [
        ("Validate request", "", False),
        ("Ensure network", "", False),
        ("Build cluster and storage", "", True),
        ("Ensure security group", "A", False),
        ("Ensure file system", "A", False),
        ("Ensure mount targets", "A", False),
        ("Ensure cluster", "B", False),
        ("Apply storage", "", False),
    ]


def test_a_wait_belongs_to_the_state_that_looks_again_after_it() -> None:
    network = row(drawn(good()), "Ensure network")
    assert (network.looks, network.working_seconds, network.waiting_seconds) == (2, 2, 15)
    assert [segment.kind for segment in network.segments] == ["work", "wait", "work"]


def test_each_state_names_what_it_had_to_wait_for() -> None:
    found = drawn(good())
    assert row(found, "Validate request").after == ()
    assert row(found, "Ensure security group").after == ("Ensure network",)
    assert row(found, "Ensure cluster").after == ("Ensure network",)
    assert row(found, "Ensure file system").after == ("Ensure security group",)
    assert row(found, "Apply storage").after == ("Ensure mount targets", "Ensure cluster")
    assert row(found, "Store evidence").after == ("Apply storage",)


def test_branches_overlap_in_time_as_they_did() -> None:
    found = drawn(good())
    cluster, storage = row(found, "Ensure cluster"), row(found, "Ensure security group")
    assert cluster.start_seconds == storage.start_seconds == 18
    (segment,) = cluster.segments
    assert (segment.start_percent, segment.width_percent) == (
        round(100 * 18 / found.seconds, 3),
        round(100 * 20 / found.seconds, 3),
    )


def test_attempts_that_failed_first_are_retries_of_a_state_that_is_done() -> None:
    story = Story()
    story.task("Ensure cluster", 4, {}, errors=("RetryableError", "RetryableError"))
    found = row(drawn(story), "Ensure cluster")
    assert (found.outcome, found.retries, found.error) == ("done", 2, "")


def test_a_state_that_failed_says_with_what_and_the_branch_beside_it_was_stopped() -> None:
    story = Story()
    story.enter("Parallel", "Verify and finish")
    started = story.add("ParallelStateStarted")
    story.enter("Task", "Ensure cluster DNS", after=started)
    story.task("Verify storage", 5, errors=("TerminalError",), after=started)
    story.add("ParallelStateFailed")
    story.leave("Parallel", "Verify and finish")
    story.task("Release claim", 5, {})
    found = drawn(story, failed_state="Verify storage")
    assert (row(found, "Verify storage").outcome, row(found, "Verify storage").error) == ("failed", "TerminalError")
    assert row(found, "Verify and finish").outcome == "failed"
    stopped = row(found, "Ensure cluster DNS")
    assert (stopped.outcome, stopped.working_seconds) == ("stopped", 5)
    assert row(found, "Release claim").outcome == "done"


def test_a_state_that_ran_out_of_patience_failed_although_no_call_did() -> None:
    story = Story()
    story.task("Ensure network", 1, {"ready": False})
    assert row(drawn(story, failed_state="Ensure network"), "Ensure network").outcome == "failed"


def test_hundreds_of_looks_become_a_few_segments_without_losing_time() -> None:
    story = Story()
    for _ in range(400):
        story.task("Verify storage", 0.1, {})
        story.wait("Wait for verification", 2)
    found = row(drawn(story), "Verify storage")
    assert found.looks == 400
    assert len(found.segments) < 10
    assert abs(sum(segment.width_percent for segment in found.segments) - 100) < 1


def test_the_axis_has_round_numbers_and_few_of_them() -> None:
    for seconds in (0.3, 7, 61, 840, 5400, 18000):
        story = Story()
        story.task("Ensure cluster", seconds, {})
        ticks = drawn(story).ticks
        assert 1 <= len(ticks) <= 8
        assert ticks[0].seconds == 0
        assert ticks[-1].seconds <= seconds


def test_events_may_come_in_any_order() -> None:
    story = good()
    assert timeline(read(reversed(story.events))) == timeline(read(story.events))
