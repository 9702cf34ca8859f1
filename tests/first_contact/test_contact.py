"""An account that is as we think ticks everything that it can be asked."""

from first_contact.assumptions import DOCUMENT, assumptions, untied
from first_contact.checks import EVERY, names
from first_contact.checks.states import asked_states
from first_contact.files import MACHINES, definition, recording
from first_contact.intrinsics import Surroundings
from first_contact.verdicts import Verdict

NO_API = {
    "account-events/control-tower",
    "account-events/organizations",
}
"""What the embedded cloud has no answer to: CloudTrail keeps nothing there."""


def test_every_assumption_is_tied_to_checks_that_there_are() -> None:
    assert untied(assumptions(DOCUMENT.read_text()), names()) == []


def test_every_state_that_computes_something_is_recorded_and_no_other() -> None:
    around = Surroundings("aws", "us-east-1", "111122223333", "stack")
    asked = {f"{machine}/{name}" for machine in MACHINES for name, _ in asked_states(definition(machine, around))}
    assert recording("states")["states"].keys() == asked, "make recordings"


def test_everything_that_can_be_asked_is_ticked(untouched: dict[str, Verdict]) -> None:
    assert {name: verdict.said for name, verdict in untouched.items() if verdict.status == "refuted"} == {}
    unasked = {name for name, verdict in untouched.items() if verdict.status == "cannot be asked"}
    only_a_run_shows = {check.name for check in EVERY[-9:]}
    assert unasked == NO_API | only_a_run_shows | {"organization"}


def test_what_assumptions_name_was_asked_by_that_name(untouched: dict[str, Verdict]) -> None:
    named = {name for entry in assumptions(DOCUMENT.read_text()) for name in entry.checks}
    assert {name for name in named if not any(verdict.is_of(name) for verdict in untouched.values())} == set()
