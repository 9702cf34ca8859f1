"""What a person looks for on the page, looked for in a real browser."""

from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.report.accessibility import violations
from tests.report.browser import look
from tests.report.conftest import Pages
from tests.report.contrast import low_contrast
from tests.unit.report.clusters import HOSTILE

RUNS = ["good", "failed", "hostile"]
NAMES = [*RUNS, "verified", "index", "hostile-index", "fleet", "hostile-fleet"]
WIDTHS = [320, 400, 800, 1200]
# What sticks out of the page, or is wider inside than out and can neither be scrolled to nor wrapped.
CUT_OFF = """
return [...document.querySelectorAll('body *')].filter(each => {
  if (each.closest('svg') && each.tagName !== 'svg' || each.closest('.unseen') || !each.getClientRects().length)
    return false;
  const box = each.getBoundingClientRect();
  const heads = [each.closest('thead'), each.closest('thead th')];
  if (heads.some(head => head && getComputedStyle(head).position === 'absolute')) return false;
  const scrolls = each.closest('pre');
  return !scrolls && (box.right > innerWidth + 0.5 || box.left < -0.5
    || each.scrollWidth > each.clientWidth + 1 && each.clientWidth > 0 && getComputedStyle(each).display !== 'inline');
}).map(each => each.tagName + '.' + each.className + ': ' + each.textContent.trim().slice(0, 40));
"""


def opened(
    chrome: Chrome, pages: Pages, name: str, *, width: int = 1200, scheme: str = "light", media: str = "screen"
) -> None:
    look(chrome, width=width, scheme=scheme, media=media)
    console(chrome)  # empties it
    chrome.get(pages.urls[name])


def console(chrome: Chrome) -> list[dict[str, Any]]:
    """What has been logged since the last time."""
    said: list[dict[str, Any]] = chrome.get_log("browser")  # type: ignore[no-untyped-call]
    return said


def all_of(chrome: Chrome, selector: str) -> list[WebElement]:
    return chrome.find_elements(By.CSS_SELECTOR, selector)


def texts(chrome: Chrome, selector: str) -> list[str]:
    return [each.text for each in all_of(chrome, selector)]


@pytest.mark.parametrize("name", NAMES)
def test_the_console_stays_silent(chrome: Chrome, pages: Pages, name: str) -> None:
    opened(chrome, pages, name)
    assert console(chrome) == []


@pytest.mark.parametrize(("name", "said"), [("good", "Ready: the storage of eks-orders"), ("failed", "Failed: ")])
def test_the_outcome_is_the_first_thing_on_the_page(chrome: Chrome, pages: Pages, name: str, said: str) -> None:
    opened(chrome, pages, name)
    (heading,) = all_of(chrome, "h1")
    assert heading.text.startswith(said)
    assert heading.rect["y"] < 200
    assert chrome.title == heading.text


def test_a_failure_begins_with_its_cause(chrome: Chrome, pages: Pages) -> None:
    opened(chrome, pages, "failed")
    first = all_of(chrome, "main > section")[0]
    assert first.find_element(By.TAG_NAME, "h2").text == "Why it failed"
    assert pages.details["failed"]["failure"]["cause"].split()[0] in first.text


def test_each_cause_shows_its_verdict_what_was_seen_and_the_fix(chrome: Chrome, pages: Pages) -> None:
    opened(chrome, pages, "hostile")
    proved, possible, refuted = all_of(chrome, ".cause")
    for cause, verdict in ((proved, "Proved"), (possible, "Possible"), (refuted, "Refuted")):
        assert cause.find_element(By.CLASS_NAME, "badge").text == verdict
        assert "Saw" in [each.text for each in cause.find_elements(By.TAG_NAME, "dt")]
    assert "Fix" in proved.text
    assert "Fix" not in refuted.text


def test_every_pod_is_in_the_table_and_in_the_picture(chrome: Chrome, pages: Pages) -> None:
    evidence = pages.details["good"]["evidence"]
    pods = [pod["pod"] for pod in (*evidence["writers"], evidence["appender"], evidence["reader"])]
    short = {pod.removeprefix(f"verification-{evidence['run_id']}-") for pod in pods}
    for width in (400, 800, 1200):
        opened(chrome, pages, "good", width=width)
        (picture,) = [each for each in all_of(chrome, "svg.topology") if each.is_displayed()]
        assert short <= {each.text for each in picture.find_elements(By.TAG_NAME, "text")}
        assert short <= set(texts(chrome, "section[aria-labelledby=evidence] tbody th"))


def test_every_state_has_a_bar_and_says_what_it_waited_for(chrome: Chrome, pages: Pages) -> None:
    opened(chrome, pages, "good")
    rows = {each.find_element(By.TAG_NAME, "th").text: each for each in all_of(chrome, ".timeline tbody tr")}
    assert len(rows) >= 14
    for row in rows.values():
        assert row.find_elements(By.CSS_SELECTOR, "svg.bar rect")
    (applied,) = [name for name in rows if name.startswith("Apply storage")]
    assert "Ensure Fargate profile" in applied
    assert "Ensure mount targets" in applied


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_cut_off_at_any_width(chrome: Chrome, pages: Pages, name: str, width: int) -> None:
    opened(chrome, pages, name, width=width)
    assert chrome.execute_script("return document.documentElement.scrollWidth") == width
    assert chrome.execute_script(CUT_OFF) == []


@pytest.mark.parametrize("name", RUNS)
def test_no_text_of_a_picture_leaves_its_box_or_covers_another(chrome: Chrome, pages: Pages, name: str) -> None:
    script = """
    const boxes = [...arguments[0].querySelectorAll('text')].map(each => each.getBoundingClientRect());
    const frame = arguments[0].getBoundingClientRect();
    const outside = boxes.filter(box => box.right > frame.right || box.left < frame.left || box.bottom > frame.bottom);
    const covered = boxes.filter((a, i) => boxes.some((b, j) => i < j && a.left < b.right - 1 && b.left < a.right - 1
      && a.top < b.bottom - 3 && b.top < a.bottom - 3));
    return outside.length + covered.length;
    """
    for width in (400, 800, 1200):
        opened(chrome, pages, name, width=width)
        (picture,) = [each for each in all_of(chrome, "svg.topology") if each.is_displayed()]
        assert chrome.execute_script(script, picture) == 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_the_contrast_that_people_need(chrome: Chrome, pages: Pages, name: str, scheme: str) -> None:
    opened(chrome, pages, name, scheme=scheme)
    assert low_contrast(chrome) == []


def test_dark_is_dark_and_light_is_light(chrome: Chrome, pages: Pages) -> None:
    seen = {}
    for scheme in ("light", "dark"):
        opened(chrome, pages, "good", scheme=scheme)
        color = all_of(chrome, "body")[0].value_of_css_property("background-color")
        seen[scheme] = sum(int(part) for part in color[color.index("(") + 1 : -1].split(",")[:3])
    assert seen["light"] > 700
    assert seen["dark"] < 120


def test_paper_is_white_even_where_the_screen_is_dark(chrome: Chrome, pages: Pages) -> None:
    opened(chrome, pages, "good", scheme="dark", media="print", width=718)
    assert all_of(chrome, "body")[0].value_of_css_property("background-color") == "rgba(255, 255, 255, 1)"
    assert all_of(chrome, "svg.medium")[0].is_displayed()
    assert low_contrast(chrome) == []


@pytest.mark.parametrize("name", ["verified", "index", "fleet"])
def test_every_page_can_be_printed(chrome: Chrome, pages: Pages, name: str) -> None:
    opened(chrome, pages, name, scheme="dark", media="print", width=718)
    assert all_of(chrome, "body")[0].value_of_css_property("background-color") == "rgba(255, 255, 255, 1)"
    assert low_contrast(chrome) == []
    assert chrome.execute_script("return document.documentElement.scrollWidth") == 718


def test_hostile_values_of_records_are_text_and_all_checks_are_drawn(chrome: Chrome, pages: Pages) -> None:
    opened(chrome, pages, "hostile-index")
    assert all_of(chrome, "script") == []
    assert chrome.title == "Storage clusters"
    (picture,) = all_of(chrome, "svg.spark")
    frame = picture.rect
    bars = [bar.rect for bar in picture.find_elements(By.TAG_NAME, "rect")]
    assert len(bars) == 30
    assert all(bar["x"] + bar["width"] <= frame["x"] + frame["width"] + 1 for bar in bars)


def test_hostile_values_are_text(chrome: Chrome, pages: Pages) -> None:
    opened(chrome, pages, "hostile")
    assert all_of(chrome, "script") == []
    assert chrome.title == f"Failed: {HOSTILE}"
    assert HOSTILE in texts(chrome, "blockquote")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (400, "dark")])
def test_axe_finds_nothing(chrome: Chrome, pages: Pages, name: str, width: int, scheme: str) -> None:
    opened(chrome, pages, name, width=width, scheme=scheme)
    assert violations(chrome) == []


def test_axe_looks(chrome: Chrome, pages: Pages) -> None:
    opened(chrome, pages, "good")
    chrome.execute_script("document.documentElement.lang = ''; document.querySelector('caption').style.color = '#eee'")
    assert {each.partition(":")[0] for each in violations(chrome)} == {"html-has-lang", "color-contrast"}


@pytest.mark.parametrize("name", NAMES)
def test_every_table_and_every_section_says_what_it_is_of(chrome: Chrome, pages: Pages, name: str) -> None:
    opened(chrome, pages, name)
    assert len(all_of(chrome, "table > caption")) == len(all_of(chrome, "table"))
    assert all_of(chrome, "th:not([scope])") == []
    for section in all_of(chrome, "section"):
        assert section.aria_role == "region"
        assert section.accessible_name


def test_tables_stay_tables_to_a_screen_reader_when_they_are_stacked(chrome: Chrome, pages: Pages) -> None:
    opened(chrome, pages, "good", width=400)
    assert {each.aria_role for each in all_of(chrome, "table")} == {"table"}
    assert {each.aria_role for each in all_of(chrome, ".stack tbody th")} == {"rowheader"}
