"""docs/reliability.md says what the file of outcomes says, and none of it is unexpected."""

from pathlib import Path

from campaign.__main__ import in_order, wanted
from campaign.document import DOCUMENT, render
from campaign.judge import Outcome
from campaign.requests import Request
from campaign.results import Combination, Result, Results

CREATE = Request("EnsureCluster", "eks:CreateCluster")
ONE = Combination("Provision", "EnsureCluster eks:CreateCluster", "throttled", "once")


def test_the_document_is_current() -> None:
    assert DOCUMENT.read_text() == render(Results()), "make campaign SAMPLE=0 writes it again"


def test_nothing_that_was_tried_ended_unexpectedly() -> None:
    results = Results()
    assert results.of()
    assert [each for each in results.of().values() if each.outcome == Outcome.UNEXPECTED] == []
    assert results.of().keys() <= results.possible(), "what no run asks any more is not counted"


def test_the_last_outcome_of_a_combination_counts_and_what_was_not_tried_does_not(tmp_path: Path) -> None:
    results = Results(tmp_path / "results.jsonl")
    results.record("Provision", [CREATE])
    results.add(Result(ONE, Outcome.UNEXPECTED, "two file systems", 1, 2.0))
    results.add(Result(ONE, Outcome.AS_WITHOUT, "", 1, 2.0))
    for _ in range(2):
        told = render(results)
        assert f"1 of {len(results.recorded()['Provision'])} combinations of 1 subjects" in told
        assert "| throttled | once | 1 | 1 | 0 | 0 | 0 |" in told
        assert "| throttled | for ever | 0 | 0 | 0 | 0 | 0 |" in told
        results.tidy()


def test_what_was_tried_on_real_control_planes_has_a_table_of_its_own(tmp_path: Path) -> None:
    results = Results(tmp_path / "results.jsonl")
    results.record("Provision", [CREATE, Request("ApplyStorage", "kubernetes:get namespaces")])
    real = Combination("Provision", "ApplyStorage kubernetes:get namespaces", "throttled", "once", "real")
    results.add(Result(real, Outcome.AS_WITHOUT, "", 1, 2.0))
    results.tidy()
    assert list(results.of()) == [real]
    assert all(each.subject == real.subject for each in results.recorded_on("real")["Provision"])
    told = render(results)
    assert "combinations 0 were tried" in " ".join(told.split())
    assert "## Provision, on real control planes" in told


def test_what_befell_a_request_that_is_not_made_any_more_is_dropped(tmp_path: Path) -> None:
    results = Results(tmp_path / "results.jsonl")
    results.record("Provision", [CREATE])
    results.add(Result(ONE, Outcome.AS_WITHOUT, "", 1, 2.0))
    results.record("Provision", [Request("EnsureCluster", "eks:DescribeCluster")])
    results.tidy()
    assert results.of() == {}


def test_the_emptiest_rows_are_filled_first_and_in_the_seeds_order(tmp_path: Path) -> None:
    results = Results(tmp_path / "results.jsonl")
    results.record("Provision", [CREATE, Request("EnsureFileSystem", "efs:CreateFileSystem")])
    results.add(Result(ONE, Outcome.AS_WITHOUT, "", 1, 2.0))
    left = [each for each in results.recorded()["Provision"] if each != ONE]
    ordered = in_order(results, left, 17)
    rows = [each.row for each in ordered]
    assert set(rows[: rows.index(ONE.row)]) == {each.row for each in left} - {ONE.row}
    assert sorted(ordered) == sorted(left)
    assert ordered == in_order(results, reversed(left), 17) != in_order(results, left, 18)


def test_what_is_chosen_is_chosen_by_names_with_wildcards() -> None:
    assert wanted("machine=Provision,subject=* eks:*") == {"machine": "Provision", "subject": "* eks:*"}
