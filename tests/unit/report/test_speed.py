"""How fast the storage was, as the page and the command tell it."""

from typing import Any

from provisioner.kubernetes.evidence import digest
from provisioner.report.model import report
from provisioner.report.render import render
from provisioner.report.speed import Row, speed
from tests.unit.functions.report_seam import REQUEST, detail, evidence
from tests.unit.report.samples import ARN, good


def measured(**more: Any) -> dict[str, Any]:
    found = evidence()
    times = {"clock": "dd", "small_write": [7123, 8000, 12500], "sequential_write": [160_000], **more}
    found["writers"][0] |= {"zone": "eu-west-1b", "measured": times}
    return found


def text_of(found: dict[str, Any]) -> str:
    return render(report(REQUEST, detail(ARN, evidence={**found, "sha256": digest(found)}), good().events))


def test_a_row_for_each_measure_has_a_cell_for_each_zone_and_what_is_documented_beside_it() -> None:
    found = speed(measured())
    assert found is not None
    assert found.zones == ("eu-west-1a", "eu-west-1b")
    rows = {row.title: row for row in found.rows}
    assert rows["small file written"] == Row(
        "small file written", "an operation: from 2.7 ms", ("not measured", "8 ms, worst of 3: 12.5 ms")
    )
    assert rows["4 MiB written"].cells == ("not measured", "25 MiB/s")
    assert rows["pod created until mounted"].cells == ("2 s, worst of 2: 2 s", "2 s")
    assert "from before it opens" in found.clock


def test_a_page_shows_it_and_whatever_a_zone_is_called() -> None:
    page = text_of(measured())
    assert "8 ms, worst of 3: 12.5 ms" in page
    assert "How fast it was" in page
    hostile = measured()
    hostile["writers"][0]["zone"] = "<script>"
    page = text_of(hostile)
    assert "&lt;script&gt;" in page
    assert "<script>" not in page


def test_evidence_from_before_tells_what_kubernetes_knew_and_that_there_was_no_clock() -> None:
    found = speed(evidence())
    assert found is not None
    assert {row.cells for row in found.rows[1:]} == {("not measured",)}
    assert "nothing that could tell" in found.clock


def test_what_is_no_evidence_has_no_speed() -> None:
    assert speed({}) is None
    assert "How fast it was" not in text_of({**evidence(), "run_id": 7})
