"""Differences, and which of them are worth telling."""

from provisioner.difference import EXISTS, DriftKind, Inspected, Severity, drift

GONE = DriftKind("thing {name}", EXISTS, Severity.CRITICAL, "It is gone.", "a run makes {name} again")
SIZE = DriftKind("thing {name}", "size", Severity.WARNING, "Too big.", "make it {expected}, not {actual}", False)


def test_a_payload_has_exactly_the_keys_of_the_contract() -> None:
    assert SIZE.found(expected=1, actual=[2, 3], name="a").payload() == {
        "resource": "thing a",
        "path": "size",
        "expected": 1,
        "actual": [2, 3],
        "severity": "warning",
        "fix": "make it 1, not 2, 3",
        "repairable": False,
    }


def test_names_with_braces_stay_as_they_are() -> None:
    assert SIZE.found(expected=None, actual=[], name="{expected}").fix == "make it none, not none"
    assert SIZE.found(expected=None, actual=[], name="{expected}").resource == "thing {expected}"


def test_what_is_inside_something_missing_is_not_told() -> None:
    outer = Inspected.of("thing a", [GONE.missing(name="a")])
    inner = Inspected.of("thing b", [GONE.missing(name="b")]).within(["thing a"])
    innermost = (
        Inspected.of("thing c", [SIZE.found(expected=1, actual=2, name="c")]).within(["thing b"]).within(["thing a"])
    )
    assert [each.resource for each in drift([outer, inner, innermost])] == ["thing a"]


def test_what_is_inside_something_that_differs_otherwise_is_told() -> None:
    outer = Inspected.of("thing a", [SIZE.found(expected=1, actual=2, name="a")])
    inner = Inspected.of("thing b", [GONE.missing(name="b")]).within(["thing a"])
    assert [each.resource for each in drift([outer, inner])] == ["thing a", "thing b"]
