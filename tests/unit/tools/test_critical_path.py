"""Where a run's time went, and the longest chain that AWS imposes, from the history alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench import critical_path
from local.clock import TYPICAL_SECONDS
from tests.unit.report.samples import Story


def told(capsys: pytest.CaptureFixture[str], history: Path) -> list[str]:
    assert critical_path.main(["--history", str(history)]) == 0
    return capsys.readouterr().out.splitlines()


def looked_at(story: Story, state: str, *looks: tuple[float, str, float]) -> None:
    """`looks`: seconds of the look, what it told, and seconds of the wait after it."""
    for seconds, reason, wait in looks:
        story.task(state, seconds, {"ready": not wait, "reason": reason})
        if wait:
            story.wait("Wait", wait)


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """A run that waited for the network, the cluster, and the pods of a proof."""
    story = Story()
    looked_at(story, "Ensure network", (1, "Creating", 15), (1, "Ready", 0))
    looked_at(story, "Ensure cluster", (2, "Creating", 500), (2, "Creating", 30), (2, "Ready", 0))
    looked_at(
        story,
        "Verify storage",
        *[(1, "WritersStarting", 45), (1, "WritersStarting", 3), (1, "WritersTerminating", 2)],
        *[(1, "ReaderStarting", 45), (1, "ReaderStarting", 3), (1, "CleaningUp", 20), (1, "Ready", 0)],
    )
    file = tmp_path / "history.json"
    file.write_text(json.dumps({"events": story.events}, default=lambda time: time.isoformat()))
    return file


def test_the_longest_chain_on_the_clock_is_cluster_profile_and_the_two_pods_that_follow_each_other() -> None:
    chain = critical_path.longest_chain(critical_path.on_the_clock())
    assert [state for state, _ in chain] == ["Ensure cluster", "Ensure Fargate profile", "Verify storage"]
    cluster, profile, pod = (TYPICAL_SECONDS[each] for each in ("cluster", "Fargate profile", "pod"))
    assert sum(seconds for _, seconds in chain) == cluster + profile + 2 * pod == 834


def test_what_takes_longer_than_another_way_becomes_the_chain() -> None:
    slow = {**critical_path.on_the_clock(), "Ensure mount targets": 1000.0}
    assert [state for state, _ in critical_path.longest_chain(slow)] == [
        "Ensure file system",
        "Ensure mount targets",
        "Verify storage",
    ]


def test_of_a_history_the_ratio_is_the_last_line_and_aws_has_the_least_it_can_have_taken(
    history: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = told(capsys, history)
    # The cluster until its second look, and the pods between the looks that found them starting: 46 s each.
    assert "Ensure cluster 504 + Verify storage 92 = 596 s" in "\n".join(lines)
    (network,) = [line.split("│")[1:-1] for line in lines if "Ensure network" in line and "│" in line]
    assert [each.strip() for each in network] == ["Ensure network", "0.0", "17.0", "1.0", "16.0", "15.0"]
    (cluster,) = [line.split("│")[1:-1] for line in lines if line.startswith("│ Ensure cluster")]
    assert [each.strip() for each in cluster] == ["Ensure cluster", "17.0", "536.0", "504.0", "32.0", "30.0"]
    assert lines[-1] == f"ratio {(17 + 536 + 118 + 7) / 596:.2f}"


def test_what_aws_takes_is_the_clocks_where_there_is_one_and_time_is_as_if_it_were_not_scaled(history: Path) -> None:
    events = critical_path.events_in(history)
    found = critical_path.measured(events, scale=0.5, aws=critical_path.on_the_clock())
    assert {stay.state: stay.aws_seconds for stay in found.stays}["Ensure cluster"] == TYPICAL_SECONDS["cluster"]
    assert {stay.state: stay.seconds for stay in found.stays}["Ensure cluster"] == 2 * 536
    # There was no profile in this run.
    assert found.chain_seconds == TYPICAL_SECONDS["cluster"] + 2 * TYPICAL_SECONDS["pod"]


def test_times_may_be_numbers_as_version_1_of_the_command_line_writes_them(history: Path, tmp_path: Path) -> None:
    as_text = critical_path.measured(critical_path.events_in(history))
    numbers: dict[str, Any] = {
        "events": [{**each, "timestamp": each["timestamp"].timestamp()} for each in critical_path.events_in(history)]
    }
    file = tmp_path / "numbers.json"
    file.write_text(json.dumps(numbers))
    assert critical_path.measured(critical_path.events_in(file)).ratio == pytest.approx(as_text.ratio)


def test_an_execution_that_never_waited_for_aws_has_no_ratio(tmp_path: Path) -> None:
    story = Story()
    looked_at(story, "Ensure network", (1, "Ready", 0))
    with pytest.raises(ValueError, match="nothing in this execution waited for AWS"):
        critical_path.measured(story.events)
