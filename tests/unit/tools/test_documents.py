"""Generated documents are current."""

from bench import cost
from tools import parameters


def test_the_table_of_parameters_is_current() -> None:
    assert parameters.DOCUMENT.read_text() == parameters.markdown(), "make generate"


def test_the_costs_are_worked_out_from_what_was_measured() -> None:
    assert cost.DOCUMENT.read_text() == cost.render(cost.recorded()), "make bench-cost"
