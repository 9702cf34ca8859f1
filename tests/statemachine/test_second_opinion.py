"""statelint agrees with our machines, and would not agree with broken ones."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.statemachine.check import ROOT, load
from tests.statemachine.second_opinion import findings

PATHS = sorted((ROOT / "statemachine").glob("*.asl.yaml"))
PROVISION = load(ROOT / "statemachine" / "provision.asl.yaml")
State = dict[str, Any]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_nothing_is_found_in_our_machines(path: Any) -> None:
    assert findings(load(path)) == []


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda task: task.update(Next="Nowhere"), 'No state found named "Nowhere"'),
        (lambda task: task.pop("Next"), 'does not have required field "Next"'),
        (lambda task: task.update(TimeoutSecond=3), 'Field "TimeoutSecond" not allowed'),
        (lambda task: task.update(ResultPath="$.x"), 'Field "ResultPath" not allowed'),
        (lambda task: task.update(TimeoutSeconds="soon"), "TimeoutSeconds"),
        (lambda task: task["Retry"][0].update(MaxAttempts="five"), "MaxAttempts"),
        (lambda task: task["Retry"][0].update(JitterStrategy="SOME"), "JitterStrategy"),
    ],
)
def test_a_broken_machine_is_found(break_it: Callable[[State], Any], said: str) -> None:
    broken = copy.deepcopy(PROVISION)
    break_it(broken["States"]["Claim cluster"])
    assert [problem for problem in findings(broken) if said in problem]
