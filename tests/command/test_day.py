"""A day's work with the command: every example of its help is run, in an order that a person might take."""

import json
import re
import webbrowser
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.request import urlopen

import click
import pytest
from click.shell_completion import ShellComplete

from eks_efs.command import root
from local.cloud import EmbeddedCloud
from tests.command.conftest import Calls, Command, Ended, run
from tests.command.rights import allowed, needed
from tests.unit.report.clusters import Links

PLAN = "eks-efs provision --set cluster.name=eks-example --set verification.writers=2 --plan"
PROVISION = "eks-efs provision --set cluster.name=eks-example --set verification.writers=2"
SAVED = "eks-efs report eks-example --save reports"
KEY = "eks-efs evidence key evidence.pem"
VERIFY = "eks-efs evidence verify reports --key evidence.pem"
DAY = (
    "eks-efs schema",
    "eks-efs schema --sample",
    PLAN,
    PROVISION,
    "eks-efs watch",
    "eks-efs status",
    "eks-efs status eks-example --json",
    "eks-efs check eks-example",
    "eks-efs check eks-example --behaviour --json",
    "eks-efs report",
    SAVED,
    KEY,
    VERIFY,
    "eks-efs remove eks-example --plan",
    "eks-efs remove eks-example --yes",
    "eks-efs explain security-group-closed",
    "eks-efs completion bash",
)
ELSEWHERE = ("first-contact",)
"""Its example is run by tests/first_contact, which has what it asks about."""


def examples(group: click.Group, *names: str) -> Iterator[tuple[str, str]]:
    """Each verb's name and a line of its help's examples."""
    for name, verb in group.commands.items():
        if isinstance(verb, click.Group):
            yield from examples(verb, *names, name)
            continue
        lines = re.findall(r"^  \$ (.+)$", verb.epilog or "", re.MULTILINE)
        assert lines, f"eks-efs {' '.join([*names, name])} has no example"
        yield from ((" ".join([*names, name]), line) for line in lines)


class Day:
    """How each line ended; the day goes on as far as somebody asks, so that no single test waits for all of it."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._ended: dict[str, Ended] = {}

    def __getitem__(self, line: str) -> Ended:
        for each in DAY[len(self._ended) : DAY.index(line) + 1]:
            self._ended[each] = self._command(each)
        return self._ended[line]


@pytest.fixture(scope="module")
def day(command: Command) -> Day:
    return Day(command)


def test_every_example_of_every_help_is_among_them() -> None:
    assert {line for name, line in examples(root) if name not in ELSEWHERE} == set(DAY)


@pytest.mark.parametrize("line", DAY)
def test_an_example_ends_as_asked(day: Day, line: str) -> None:
    assert (day[line].code, day[line].stderr) == (0, "")
    assert day[line].stdout


def test_a_plan_is_told_and_nothing_is_made(day: Day) -> None:
    told = day[PLAN].stdout
    assert "What a run would do, in this order" in told
    assert re.search(r"^ create +cluster eks-example", told, re.MULTILINE)
    planned = r"^Planned: \d+ to create, 0 to change, 0 that only a person can change\. Nothing was touched\.$"
    assert re.search(planned, told, re.MULTILINE)
    assert "Evidence:" not in told


def test_a_run_and_watching_it_afterwards_tell_the_same(day: Day) -> None:
    ran, watched = (day[line].stdout for line in (PROVISION, "eks-efs watch"))
    for told in (ran, watched):
        assert "Ready: the storage is proven." in told
        left = re.findall(r"^(\w+): s3://\S+/(\S+)$", told, re.MULTILINE)
        files = {"Evidence": "evidence.json", "Signature": "evidence.json.intoto.jsonl", "Report": "report.html"}
        assert dict(left) == files
        assert " to go" not in told
    assert ran.splitlines()[-1] == watched.splitlines()[-1]


def test_the_fleet_is_a_line_per_cluster_and_json_for_programs(day: Day, cloud: EmbeddedCloud) -> None:
    since = r"(?:new|\d+ min) +(?:just now|\d+ min ago)"
    row = rf"^ ?eks-example +Ready +1\.\d+ +{since} +not checked +123456789012 +{cloud.region} +–"
    assert re.search(row, day["eks-efs status"].stdout, re.MULTILINE)
    record = json.loads(day["eks-efs status eks-example --json"].stdout)
    assert (record["cluster"], record["state"], record["differences"]) == ("eks-example", "Ready", 0)


def test_a_check_of_the_behaviour_tells_programs_what_was_read(day: Day) -> None:
    assert "Verified: no difference." in day["eks-efs check eks-example"].stdout
    told = json.loads(day["eks-efs check eks-example --behaviour --json"].stdout)
    assert (told["status"], told["output"]["status"]) == ("SUCCEEDED", "Verified")
    assert told["output"]["behaviour"]["proven"]


def test_a_report_is_linked_to_and_kept(day: Day, folder: Path) -> None:
    (link,) = re.findall(r"^http\S+$", day["eks-efs report"].stdout, re.MULTILINE)
    with urlopen(link) as page:  # noqa: S310 (of the embedded cloud)
        linked = page.read()
    kept = [folder / path for path in re.findall(r"^Saved (\S+)$", day[SAVED].stdout, re.MULTILINE)]
    assert [path.name for path in kept] == ["evidence.json", "evidence.json.intoto.jsonl", "report.html"]
    assert kept[2].read_bytes() == linked
    assert json.loads(kept[0].read_text())["writers"]


def test_what_was_kept_is_checked_without_aws_and_what_was_changed_refused(day: Day, folder: Path) -> None:
    assert re.match(r"Right: reports/\S+/evidence\.json\n", day[VERIFY].stdout)
    assert re.search(r"^  cluster +eks-example in 123456789012, ", day[VERIFY].stdout, re.MULTILINE)
    (kept,) = (folder / "reports").rglob("evidence.json")
    told = run(f"eks-efs evidence verify {kept} --key {folder / 'evidence.pem'} --json")
    assert (told.code, json.loads(told.stdout)[0]["is_right"]) == (0, True)
    kept.write_bytes(kept.read_bytes().replace(b'"lines":', b'"lines":1', 1))
    refused = run(f"eks-efs evidence verify {kept} --key {folder / 'evidence.pem'}")
    assert refused.code == 1
    assert refused.stdout == f"Refused: {kept}\n  appender.files.0.lines: not as signed\n"


def test_the_newest_report_is_opened_in_the_browser(
    day: Day, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert day[SAVED]
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    ended = command("eks-efs report eks-example --open")
    assert (ended.code, ended.stderr) == (0, "")
    (link,) = opened
    assert link in ended.stdout
    assert link.partition("?")[0].endswith("/report.html")


def test_the_page_of_all_clusters_is_opened_with_links_that_lead_on(
    day: Day, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert day[SAVED]
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    assert command("eks-efs report --open").code == 0
    (address,) = opened
    with urlopen(address) as page:  # noqa: S310 (a file)
        links = Links(page.read().decode()).found
    assert any("/report.html?" in link for link in links)
    for link in links:
        with urlopen(link) as linked:  # noqa: S310 (of the embedded cloud)
            assert b"eks-example" in linked.read()


def test_the_page_of_all_clusters_is_kept_beside_the_newest_reports_and_links_to_them(
    day: Day, command: Command, tmp_path: Path
) -> None:
    assert day[SAVED]
    ended = command(f"eks-efs report --save {tmp_path}")
    assert (ended.code, f"Saved {tmp_path}/index.html" in ended.stdout) == (0, True)
    beside = [link for link in Links((tmp_path / "index.html").read_text()).found if ":" not in link]
    assert beside
    assert all((tmp_path / link).is_file() for link in beside)


def test_recorded_clusters_are_completed(day: Day, shell: Mapping[str, str]) -> None:
    assert day["eks-efs status"]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in shell.items():
            patch.setenv(name, value)
        offered = ShellComplete(root, {}, "eks-efs", "_EKS_EFS_COMPLETE").get_completions(["check"], "eks-e")
    assert [each.value for each in offered] == ["eks-example"]


def test_what_was_removed_was_proven_once_in_the_table_and_on_the_page(
    day: Day, command: Command, tmp_path: Path
) -> None:
    assert day["eks-efs remove eks-example --yes"].code == 0
    removed = command("eks-efs status --all").stdout
    assert re.search(r"^ ?eks-example +Removed +1\.\d+ +– +(?:just now|\d+ min ago) ", removed, re.MULTILINE), removed
    assert command(f"eks-efs report --save {tmp_path}").code == 0
    _, _, section = (tmp_path / "index.html").read_text().partition('id="removed"')
    assert "eks-example" in section
    assert ">never<" not in section


def test_a_removal_goes_as_it_was_planned(day: Day) -> None:
    planned, removed = (day[f"eks-efs remove eks-example {option}"].stdout for option in ("--plan", "--yes"))
    assert "Nothing was touched." in planned
    assert "Removed: eks-example." in removed
    kept = r"^ file system +(fs-\w+)"
    assert re.findall(kept, planned, re.MULTILINE) == re.findall(kept, removed, re.MULTILINE) != []


def test_what_the_page_says_an_operator_may_do_is_what_the_day_took(day: Day, calls: Calls) -> None:
    assert day[DAY[-1]]
    assert allowed() == needed(calls)
