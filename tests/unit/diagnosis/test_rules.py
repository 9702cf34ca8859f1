"""Every message is recognised by its rules and by no neighbour."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.diagnosis import signals
from provisioner.diagnosis.model import Failure, Rule, Signal
from provisioner.diagnosis.rules import RULES
from tests.unit.diagnosis.messages import FAILURES, SIGNALS


def recognised(said: list[Signal]) -> set[str]:
    return {rule.id for rule in RULES if rule.signal_in(said)}


@pytest.mark.parametrize(("signal", "rules"), SIGNALS.values(), ids=SIGNALS)
def test_a_message_of_kubernetes_or_eks_is_recognised_by_its_rules_alone(signal: Signal, rules: set[str]) -> None:
    assert recognised([signal]) == rules


@pytest.mark.parametrize(("failure", "rules"), FAILURES.values(), ids=FAILURES)
def test_an_error_of_ours_is_recognised_by_its_rules_alone(failure: Failure, rules: set[str]) -> None:
    assert recognised(signals.of_failure(failure)) == rules


@pytest.mark.parametrize(("failure", "rules"), FAILURES.values(), ids=FAILURES)
def test_a_rule_is_looked_for_after_the_states_in_which_its_error_arises(failure: Failure, rules: set[str]) -> None:
    assert rules <= {rule.id for rule in RULES if failure.state in rule.states}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_has_a_message_that_a_test_knows(rule: Rule) -> None:
    known = {each for _, rules in [*SIGNALS.values(), *FAILURES.values()] for each in rules}
    assert rule.id in known


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_the_same_words_from_another_source_are_not_the_symptom(rule: Rule) -> None:
    said = [signal for signal, _ in SIGNALS.values()] + [Signal(f.cause, frozenset()) for f, _ in FAILURES.values()]
    elsewhere = [Signal(signal.text, frozenset({"Elsewhere"}), signal.component) for signal in said]
    assert rule.signal_in(elsewhere) is None


def test_the_warnings_in_our_words_come_out_verbatim() -> None:
    failure, _ = FAILURES["pods' warnings"]
    _, *said = signals.of_failure(failure)
    assert [(signal.reasons, signal.text) for signal in said] == [
        (frozenset({"FailedMount"}), SIGNALS["driver missing"][0].text),
        (frozenset({"FailedMount"}), SIGNALS["timed out"][0].text),
        (frozenset({"FailedMount"}), SIGNALS["denied"][0].text),
        (frozenset({"FailedScheduling"}), "no nodes available to schedule pods"),
    ]


def test_ids_are_unique_and_sentences_are_sentences() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", rule.id)
        assert rule.cause.endswith(".")
        assert rule.states


def test_a_fix_reads_as_a_sentence_where_the_probe_names_no_id() -> None:
    for rule in RULES:
        assert not set("{}_") & set(rule.fix_with({}).replace('{"computeType":"Fargate"}', "")), rule.id


pieces = st.sampled_from([*(s.text for s, _ in SIGNALS.values()), *(f.cause for f, _ in FAILURES.values()), "; ", "("])


@settings(max_examples=150)
@given(st.lists(st.text(max_size=60) | pieces, max_size=8).map("".join), st.text(max_size=20))
def test_no_text_whatever_raises(text: str, error: str) -> None:
    said = signals.of_failure(Failure(state="Verify storage", error=error, cause=text))
    assert said[0].text == text
    recognised(said)
