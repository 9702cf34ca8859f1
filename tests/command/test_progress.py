"""What people see of a run: fed with hand-made histories, and with two that the embedded Step Functions recorded."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from eks_efs.progress import LONGEST_NOTE, Progress, Step
from local.cloud import ROOT

START = datetime(2026, 1, 1, tzinfo=UTC)
PROVISION, REVERIFY, FLEET = (
    yaml.safe_load((ROOT / "statemachine" / f"{name}.asl.yaml").read_text())
    for name in ("provision", "reverify", "fleet")
)
RECORDED = json.loads(Path(__file__).with_name("histories.json").read_text())


def looped(name: str, following: str) -> dict[str, Any]:
    """A Task with the Choice and the Wait of its loop."""
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Failed"}]
    return {
        name: {"Type": "Task", "Catch": catch, "Next": f"Is {name} ready?"},
        f"Is {name} ready?": {"Type": "Choice", "Choices": [{"Next": following}], "Default": f"Wait for {name}"},
        f"Wait for {name}": {"Type": "Wait", "Next": name},
    }


def branch(name: str) -> dict[str, Any]:
    ends = {"Done": {"Type": "Succeed"}, "Failed": {"Type": "Fail"}}
    renamed = {f"{name} {end.lower()}": state for end, state in ends.items()}
    states = looped(name, f"{name} done")
    states[name]["Catch"][0]["Next"] = f"{name} failed"
    return {"StartAt": name, "States": {**states, **renamed}}


DEFINITION = {
    "StartAt": "claim",
    "States": {
        "claim": {"Type": "Task", "Next": "build", "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Failed"}]},
        "build": {
            "Type": "Parallel",
            "Branches": [branch("cluster"), branch("storage")],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Report"}],
            "Next": "record",
        },
        "record": {"Type": "Task", "Next": "Ready"},
        "Ready": {"Type": "Succeed"},
        "Report": {"Type": "Task", "Next": "Failed"},
        "Failed": {"Type": "Fail"},
    },
}


class History:
    """Writes events as GetExecutionHistory has them, one second apart."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.last = 0

    @property
    def now(self) -> datetime:
        return START + timedelta(seconds=self.last)

    def add(self, kind: str, previous: int = 0, **details: Any) -> int:
        self.last += 1
        key = f"{kind[0].lower()}{kind[1:]}EventDetails" if "State" not in kind else "stateEnteredEventDetails"
        event: Mapping[str, Any] = {"id": self.last, "previousEventId": previous, "type": kind, "timestamp": self.now}
        self.progress.feed([{**event, key: details}])
        return self.last

    def enter(self, name: str, kind: str = "Task") -> int:
        return self.add(f"{kind}StateEntered", name=name)

    def look(self, name: str, **payload: Any) -> None:
        """A round of a loop: the task, its answer, the choice."""
        self.add("TaskSucceeded", self.enter(name), output=json.dumps({"Payload": payload}))
        self.enter(f"Is {name} ready?", "Choice")
        if payload["ready"]:
            self.enter(f"{name} done", "Succeed")
        else:
            self.enter(f"Wait for {name}", "Wait")


@pytest.fixture
def history() -> History:
    return History(Progress(DEFINITION))


@pytest.fixture
def building(history: History) -> History:
    """Claimed, and inside the Parallel."""
    history.add("ExecutionStarted")
    history.enter("claim")
    history.enter("build", "Parallel")
    return history


def step(history: History, name: str) -> Step:
    return next(step for step in history.progress.steps if step.name == name)


def shown(progress: Progress, now: datetime, width: int = 80) -> list[str]:
    console = Console(file=StringIO(), width=width, highlight=False)
    console.print(progress.draw(now))
    assert isinstance(console.file, StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_the_steps_are_the_good_way_in_the_order_of_the_definition(history: History) -> None:
    assert [(s.name, s.depth, s.branch) for s in history.progress.steps] == [
        ("claim", 0, None),
        ("build", 0, None),
        ("cluster", 1, 0),
        ("storage", 1, 1),
        ("record", 0, None),
    ]


def test_both_branches_are_shown_at_once_under_their_parallel(building: History) -> None:
    building.enter("cluster")
    building.enter("storage")
    assert [step(building, name).state for name in ("claim", "build", "cluster", "storage", "record")] == [
        "done",
        "running",
        "running",
        "running",
        "to come",
    ]
    lines = shown(building.progress, building.now)
    assert [" ".join(line.split()[1:]) for line in lines] == [
        "claim 1.0 s",
        "build 2.0 s",
        "┃ cluster 1.0 s",
        "┊ storage 0.0 s",
        "record",
    ]


def test_a_wait_is_shown_as_what_it_waits_for(building: History) -> None:
    building.look("cluster", ready=False, reason="WaitingForFileSystem", retry_after_seconds=30)
    waiting = step(building, "cluster")
    assert (waiting.state, waiting.what) == ("waiting", "waiting for file system; next look in 30 s")
    building.enter("cluster")
    assert (waiting.state, waiting.what) == ("running", "waiting for file system; look 2")


def test_what_is_not_waited_for_is_looked_at_at_once(building: History) -> None:
    building.look("cluster", ready=False, reason="CleaningUp", retry_after_seconds=0)
    assert step(building, "cluster").what == "cleaning up; next look at once"


def test_a_loop_ends_when_its_choice_leaves_it(building: History) -> None:
    building.look("cluster", ready=False, reason="Creating", retry_after_seconds=30)
    building.look("cluster", ready=True, reason="Ready", retry_after_seconds=0)
    done = step(building, "cluster")
    assert (done.state, done.what) == ("done", "after 2 looks")
    assert done.elapsed_seconds(START + timedelta(days=1)) == 7
    assert step(building, "storage").state == "to come"


def test_a_good_end_ends_every_step_that_was_entered(building: History) -> None:
    for name in ("cluster", "storage"):
        building.look(name, ready=True, reason="Ready", retry_after_seconds=0)
    building.enter("record")
    assert step(building, "build").state == "done"
    building.add("ExecutionSucceeded")
    assert {s.state for s in building.progress.steps} == {"done"}


def test_a_good_end_shows_no_step_that_there_was_no_need_for(building: History) -> None:
    building.look("cluster", ready=True, reason="Ready", retry_after_seconds=0)
    assert "storage" in [each.name for each in building.progress.steps]
    building.add("ExecutionSucceeded")
    assert [each.name for each in building.progress.steps] == ["claim", "build", "cluster"]


def test_a_failure_is_shown_on_the_step_that_failed(building: History) -> None:
    building.look("storage", ready=False, reason="Creating", retry_after_seconds=5)
    entered = building.enter("cluster")
    message = "Unusable: cluster eks-example is FAILED; remove it\nand a second line"
    building.add("TaskFailed", entered, error="TerminalError", cause=json.dumps({"errorMessage": message}))
    assert step(building, "cluster").what == "TerminalError: Unusable: cluster eks-example is FAILED; remove it"
    building.add("ExecutionFailed", error="TerminalError", cause=f"cluster: {message}")
    assert [(s.name, s.state, s.what) for s in building.progress.steps] == [
        ("claim", "done", ""),
        ("build", "failed", ""),
        ("cluster", "failed", "TerminalError: Unusable: cluster eks-example is FAILED; remove it"),
        ("storage", "stopped", "stopped"),
        ("record", "to come", ""),
    ]


@pytest.mark.parametrize(("kind", "note"), [("ExecutionAborted", "aborted"), ("ExecutionTimedOut", "timed out")])
def test_an_execution_that_is_ended_from_outside_blames_no_step(building: History, kind: str, note: str) -> None:
    building.enter("cluster")
    building.add(kind, error="Stopped", cause="cluster: stopped by somebody")
    assert step(building, "build").what == step(building, "cluster").what == note
    assert "failed" not in {s.state for s in building.progress.steps}


@pytest.mark.parametrize("width", [80, 120])
def test_a_long_cause_stays_in_its_column(building: History, width: int) -> None:
    building.enter("cluster")
    building.add("ExecutionFailed", error="TerminalError", cause="cluster: " + "something is wrong here, " * 40)
    lines = shown(building.progress, building.now, width)
    assert all(len(line) <= width for line in lines)
    first = next(index for index, line in enumerate(lines) if "cluster" in line)
    column = lines[first].index("TerminalError")
    continued = lines[first + 1 : next(index for index, line in enumerate(lines) if "storage" in line)]
    assert continued
    assert all(line[:column].strip() == "" for line in continued)
    assert len(step(building, "cluster").what) <= LONGEST_NOTE


def test_nothing_moves_when_a_step_starts_to_wait(building: History) -> None:
    def columns() -> list[int]:
        return [line.index(" s") for line in shown(building.progress, building.now) if " s" in line]

    building.enter("cluster")
    before = columns()
    building.look("cluster", ready=False, reason="Creating", retry_after_seconds=600)
    assert columns() == before


def test_the_provision_machine_fits_80_columns_with_a_line_per_step() -> None:
    progress = Progress(PROVISION)
    lines = shown(progress, START)
    assert len(lines) == len(progress.steps)
    assert {"Ensure cluster", "Ensure file system", "Verify storage"} <= {s.name for s in progress.steps}
    assert not {"Describe failure", "Release claim", "Publish failure"} & {s.name for s in progress.steps}


def test_a_step_that_ends_its_branch_ends_with_the_parallel_at_the_latest() -> None:
    history = History(Progress(REVERIFY))
    for name in ("Claim for reading", "Inspect cluster", "Inspect infrastructure", "Inspect storage"):
        history.enter(name)
    assert step(history, "Inspect storage").state == "running"
    history.enter("Is the behaviour to be proven?", "Choice")
    history.enter("Record check")
    left = ("Inspect cluster", "Inspect infrastructure", "Inspect storage")
    assert {step(history, name).state for name in left} == {"done"}


def test_a_map_is_a_step_also_when_a_failure_before_it_leads_there() -> None:
    names = [step.name for step in Progress(FLEET).steps]
    assert names == [
        "List clusters",
        "Find new accounts",
        "Provision new accounts",
        "Check clusters",
        "Summarise fleet",
        "Find orphans",
        "Write pages",
        "Publish fleet checked",
    ]


def recorded(name: str) -> dict[str, Step]:
    progress = Progress(PROVISION)
    events = [{**event, "timestamp": datetime.fromisoformat(event["timestamp"])} for event in RECORDED[name]]
    progress.feed(events)
    return {step.name: step for step in progress.steps}


def test_a_recorded_refusal_is_shown_on_validate_request() -> None:
    steps = recorded("refused")
    assert steps["Validate request"].state == "failed"
    assert steps["Validate request"].what == "RequestError: InvalidRequest: 2 wrong fields"
    assert {step.state for name, step in steps.items() if name != "Validate request"} == {"to come"}


def test_a_recorded_abort_shows_what_was_done_and_what_was_not() -> None:
    steps = recorded("aborted")
    assert steps["Ensure network"].what == "after 2 looks"
    assert steps["Ensure security group"].state == "done"
    assert steps["Ensure file system"].what == "aborted"
    assert steps["Ensure mount targets"].state == "to come"
