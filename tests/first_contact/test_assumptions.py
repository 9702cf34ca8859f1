"""Every assumption has an id of its own, and a check that exists or a reason why there is none."""

import pytest

from first_contact.assumptions import DOCUMENT, assumptions, untied

GOOD = "- **EKS-01** clusters are made (EKS guide) [check: run]\n- **EKS-02** and kept [no check: takes a year]\n"


def test_the_document_says_of_each_how_it_is_ticked_off() -> None:
    entries = assumptions(DOCUMENT.read_text())
    assert len(entries) == DOCUMENT.read_text().count("\n- ") > 100


def test_an_entry_names_checks_or_says_why_there_is_none() -> None:
    first, second = assumptions(GOOD)
    assert (first.id, first.checks, first.why_none) == ("EKS-01", ("run",), "")
    assert (second.id, second.checks, second.why_none) == ("EKS-02", (), "takes a year")


@pytest.mark.parametrize(
    "wrong", ["- no id [check: run]", "- **EKS-03** nothing at its end (EKS guide)", "- **EKS** x"]
)
def test_an_entry_of_another_form_is_named(wrong: str) -> None:
    with pytest.raises(ValueError, match="an entry has the form") as refused:
        assumptions(f"{GOOD}{wrong}\n")
    assert wrong in str(refused.value)
    assert "EKS-01" not in str(refused.value)


def test_an_id_that_is_there_twice_and_a_check_that_is_not_are_told() -> None:
    entries = assumptions(f"{GOOD}- **EKS-01** again [check: never, run]\n")
    assert untied(entries, ["run"]) == ["EKS-01 is there twice", "EKS-01 names the check never, which does not exist"]
