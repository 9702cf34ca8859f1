"""The page: one file, same input same bytes, and whatever a value holds is shown as text."""

import re
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.report.model import Report, report
from provisioner.report.render import clock, duration, render
from tests.unit.functions.report_seam import REQUEST, detail, evidence
from tests.unit.report.samples import ARN, good

FAILURE = {"state": "Verify storage", "error": "TerminalError", "cause": "VerificationFailed: nothing mounted"}
hostile_text = st.text(max_size=30) | st.sampled_from(
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</title><b>", "{{ 7 * 7 }}", "'; --", "&lt;b&gt;"]
)


class Tags(HTMLParser):
    """The page's skeleton: its tags and the names of their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.text = ""
        self.headings: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))
        if re.fullmatch(r"h\d", tag):
            self.headings.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def ready(found: dict[str, Any] | None = None) -> Report:
    return report(REQUEST, detail(ARN, evidence=found or evidence()), good().events)


def failed(**more: Any) -> Report:
    return report(REQUEST, detail(ARN, failure=FAILURE, **more), good().events)


def cause(text: str) -> dict[str, Any]:
    probe = {"looked_at": text, "saw": text}
    return {"rule": text, "verdict": "proved", "cause": text, "symptom": text, "probe": probe, "fix": text}


def test_the_same_run_is_the_same_page() -> None:
    assert render(ready()) == render(ready())


@pytest.mark.parametrize("made", [ready, failed])
def test_the_page_needs_nothing_but_itself(made: Any) -> None:
    page = render(made())
    assert {tag for tag, _ in Tags(page).found}.isdisjoint({"script", "img", "iframe", "object", "audio", "video"})
    assert re.findall(r"(?:src|href)=\"([^\"]*)\"", page) in (["data:,", "evidence.json"], ["data:,"])
    assert re.findall(r"url\(([^)]*)\)|@import", page) == ["#waiting"]


@settings(max_examples=40)
@given(hostile_text)
def test_a_value_never_becomes_markup(text: str) -> None:
    harmless = Tags(render(failed(diagnosis=[cause("harmless")])))
    hostile = Tags(render(failed(diagnosis=[cause(text)])))
    assert hostile.found == harmless.found


@settings(max_examples=40)
@given(hostile_text)
def test_no_value_of_the_evidence_becomes_markup(text: str) -> None:
    found = evidence()
    found["reader"]["listing"] = found["reader"]["text"] = [text]
    found["writers"][0]["pod"] = found["writers"][0]["created"] = text
    found["writers"][0]["zone"] = found["writers"][0]["node"] = "eu-west-1a"
    found["writers"][0]["mount"]["source"] = text
    found["reader"]["files"][0]["owner"] = found["sha256"] = text
    harmless = Tags(render(ready()))
    assert [tag for tag, _ in Tags(render(ready(found))).found] == [tag for tag, _ in harmless.found]


@pytest.mark.parametrize(
    "made",
    [
        ready,
        failed,
        lambda: failed(diagnosis=[cause("x")]),
        lambda: report({}, {**detail(ARN, failure=FAILURE), "cluster": None}, good().events[:5]),
    ],
)
def test_headings_go_down_one_level_at_a_time_from_one_h1(made: Any) -> None:
    levels = [int(heading[1]) for heading in Tags(render(made())).headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_an_outcome_is_in_title_and_heading() -> None:
    for made, said in ((ready(), "Ready: the storage of eks-example is proven"), (failed(), "Failed: Verify storage")):
        page = render(made)
        assert f"<title>{said}</title>" in page
        assert f"<h1>{said}</h1>" in page


def test_what_drifted_is_shown_only_when_something_did() -> None:
    difference = {
        "resource": "sg-1",
        "path": "ingress",
        "expected": "2049",
        "actual": "none",
        "severity": "breaking",
        "fix": "Start provision.",
    }
    looked: dict[str, Any] = {
        "checked_at": "now",
        "behaviour": None,
        "support": None,
        "repaired": [],
        "refused": [],
        "slower": [],
    }
    page = render(report(REQUEST, detail(ARN, drift=[difference], **looked), good().events))
    assert "Drifted: eks-example is not as recorded" in page
    for said in difference.values():
        assert said in page
    assert "What differs" not in render(ready())


def test_every_field_of_the_request_is_shown_with_its_value() -> None:
    text = Tags(render(ready())).text
    assert all(name in text for name, *_ in ready().request)
    assert ("cluster.version", "not set", "") in ready().request
    assert ("verification.writers", "3", "") in ready().request


def test_a_value_that_nobody_asked_for_is_shown_with_where_it_came_from() -> None:
    origin = "SSM parameter /eks-efs-provisioner/defaults/ou-ab12-11111111"
    asked = {"cluster": {"version": "1.33"}, "from_defaults": {"cluster.version": origin}}
    made = report(asked, detail(ARN, evidence=evidence()), good().events)
    assert made.request == (("cluster.version", "1.33", origin),)
    assert f"1.33 (from {origin})" in Tags(render(made)).text


def test_a_reader_that_read_something_else_is_told() -> None:
    found = evidence()
    found["reader"]["files"][1] = {**found["reader"]["files"][1], "sha256": "f" * 64}
    assert "differs" in Tags(render(ready(found))).text


def test_durations_and_places_are_spoken_as_people_do() -> None:
    assert [duration(each) for each in (0, 1.26, 9.99, 42, 60, 725, 3600, 3780)] == [
        "0.0 s",
        "1.3 s",
        "10 s",
        "42 s",
        "1 min",
        "12 min 5 s",
        "1 h",
        "1 h 3 min",
    ]
    assert [clock(each) for each in (0, 5, 12.5, 750, 3750)] == ["+0:00", "+0:05", "+0:12.5", "+12:30", "+1:02:30"]


def several() -> dict[str, Any]:
    found = evidence()
    parts = []
    for number, (name, others) in enumerate((("efs-red", []), ("efs-blue", ["efs-red"])), start=1):
        part = {key: each for key, each in found.items() if key in ("counter", "writers", "appender", "reader")}
        attempts = [
            {"volume": each, "read_at": "out.txt" if each in (name, *others) else None}
            for each in ("efs-red", "efs-blue")
        ]
        neighbour = {**found["writers"][0], "pod": f"verification-r-{number}-neighbour", "files": []}
        parts.append(
            {
                **part,
                "persistent_volume": name,
                "namespace": name.removeprefix("efs-"),
                "claim": "shared",
                "access_point_id": f"fsap-{number}",
                "neighbour": {**neighbour, "attempts": attempts},
            }
        )
    first, *further = parts
    return {**found, **first, "further_volumes": further}


def test_of_several_volumes_each_has_its_tables_and_who_can_read_what_is_told() -> None:
    unlisted = {"persistent_volume": "efs-old", "phase": "Bound", "how_to_remove": "kubectl delete <it>"}
    told = detail(ARN, evidence=several(), storage={"unlisted": [unlisted]})
    volumes = [{"name": "efs-red", "claim": "shared"}, {"name": "efs-blue", "claim": "shared"}]
    page = render(report({**REQUEST, "storage": {"volumes": volumes}}, told, good().events))
    text = " ".join(Tags(page).text.split())
    for said in (
        "2 pods wrote through their own mounts",
        "So it was with each of 2 volumes, and no pod of one could read what it was not to read of another.",
        "Volume efs-red, claim red/shared",
        "Volume efs-blue, claim blue/shared",
        "efs-red red/shared fsap-1 yes none of 1",
        "efs-blue blue/shared fsap-2 yes efs-red, as asked for",
        "efs-old (Bound): kubectl delete <it>",
        "storage.volumes[1].nameefs-blue",
        "2-neighbour",
    ):
        assert said in text
    levels = [int(heading[1]) for heading in Tags(page).headings]
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_of_one_volume_nothing_is_said_of_others() -> None:
    text = Tags(render(ready())).text
    assert "volumes" not in text.partition("Every field, after defaults")[0]
