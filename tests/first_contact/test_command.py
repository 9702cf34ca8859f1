"""`make first-contact` as people meet it: what it says before it asks, what it keeps, and how it ends."""

import contextlib
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from eks_efs.command import root
from first_contact.__main__ import STACK, main, report
from first_contact.contact import Contact
from first_contact.verdicts import Verdict
from local.aws.permissions import reference
from local.cloud import ROOT, EmbeddedCloud
from tests.command.conftest import run
from tests.command.test_day import examples
from tests.first_contact.planted import PLANTED, Site

PREFIXES = {
    "accessanalyzer": "access-analyzer",
    "efs": "elasticfilesystem",
    "service-quotas": "servicequotas",
    "stepfunctions": "states",
}
NO_RIGHT_NEEDED = {"sts:GetCallerIdentity"}
SECRETS = re.compile(r"(AKIA|ASIA)[A-Z0-9]{16}|SecretAccessKey|SessionToken|\"Credentials\"")


@pytest.fixture(scope="module")
def said(contact_anew: Callable[[], Contact], tmp_path_factory: pytest.TempPathFactory) -> tuple[int, str, Path]:
    """Exit code, what is on the screen, and the file, of the example in the command's help."""
    folder = tmp_path_factory.mktemp("answers")
    (example,) = (line for name, line in examples(root) if name == "first-contact")
    with pytest.MonkeyPatch.context() as patch, contextlib.chdir(folder):
        patch.setenv("COLUMNS", "160")
        ended = run(example)
    assert ended.stderr == ""
    return ended.code, ended.stdout, folder / "answers.json"


def test_nothing_refuted_ends_with_0_and_is_kept(said: tuple[int, str, Path]) -> None:
    code, screen, save = said
    assert code == 0
    assert " 0 refuted" in screen
    kept = json.loads(save.read_text())
    assert [each["check"] for each in kept["checks"]] == sorted(each["check"] for each in kept["checks"])
    assert {each["status"] for each in kept["assumptions"]} == {"ticked", "cannot be asked"}


def test_neither_the_screen_nor_the_file_has_a_secret(said: tuple[int, str, Path]) -> None:
    _, screen, save = said
    assert not SECRETS.search(screen + save.read_text())


def test_every_call_is_named_before_it_is_made_and_nothing_is_called_besides(
    cloud: EmbeddedCloud, contact_anew: Callable[[], Contact]
) -> None:
    named: list[str] = []
    contact = contact_anew()
    made = len(cloud.server.calls)
    contact._say = lambda call, _purpose: named.append(call)
    report(contact, Console(quiet=True), Path("/dev/null"))
    called = cloud.server.calls[made:]
    assert {call.split(":")[1] for call in called} <= {call.split(":")[1] for call in named}
    assert not [call for call in called if _changes(call)]


def _changes(call: str) -> bool:
    """EC2's are dry runs."""
    operation = call.split(":")[1]
    reading = ("Describe", "Get", "List", "Validate", "Test", "Simulate", "Lookup", "AssumeRole")
    return not operation.startswith(reading) and not call.startswith("ec2:")


def test_the_rights_in_the_documentation_are_those_that_it_takes(contact_anew: Callable[[], Contact]) -> None:
    named: list[str] = []
    contact = contact_anew()
    contact._say = lambda call, _purpose: named.append(call)
    report(contact, Console(quiet=True), Path("/dev/null"))
    page = (ROOT / "docs" / "first-contact.md").read_text()
    policy = json.loads(re.findall(r"```json\n(.*?)```", page, re.DOTALL)[0])
    documented = {str(reference.action(name)) for name in policy["Statement"][0]["Action"]}
    needed = {f"{PREFIXES.get(service, service)}:{name}" for service, name in (each.split(":") for each in named)}
    only_before_deployment, only_in_an_organization = "iam:SimulateCustomPolicy", "organizations:ListAccountsForParent"
    assert documented == (needed - NO_RIGHT_NEEDED) | {only_before_deployment, only_in_an_organization}


def test_something_refuted_ends_with_1_and_is_told_with_what_aws_said(
    contact_anew: Callable[[], Contact],
    cloud: EmbeddedCloud,
    outputs: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    said: tuple[int, str, Path],
    tmp_path: Path,
) -> None:
    console = Console(highlight=False, width=160, record=True, file=io.StringIO())
    PLANTED["the region has two zones"][0](Site(cloud, outputs, monkeypatch, []))
    earlier = json.loads(said[2].read_text())
    assert report(contact_anew(), console, tmp_path / "answers.json", earlier) == 1
    screen = console.export_text()
    assert re.search(r"✗\s+zones", screen)
    assert "can be used, and the default network has 3" in screen
    assert "Compared: 1 changes." in screen
    assert "zones: ticked -> refuted" in screen


def test_without_an_account_it_ends_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert main(["--save", str(tmp_path / "answers.json")]) == 2
    assert "no account: set AWS_PROFILE" in capsys.readouterr().err


def test_a_request_that_is_no_file_ends_with_2(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--run", str(tmp_path / "nothing.json")]) == 2
    assert "Cannot be begun" in capsys.readouterr().err


def test_before_deployment_what_only_the_stack_shows_cannot_be_asked(
    contact_anew: Callable[[], Contact], untouched: dict[str, Verdict]
) -> None:
    from first_contact.__main__ import ask
    from first_contact.checks import EVERY

    before = Contact(contact_anew().session, f"{STACK}-elsewhere")
    found = {verdict.name: verdict for verdict in ask(before, EVERY)}
    assert [name for name, verdict in found.items() if verdict.status == "refuted"] == []
    assert {found[f"deployed-machines/{name}"].said for name in ("provision", "fleet")} == {
        f"not deployed yet: no finished stack {STACK}-elsewhere"
    }
    rights = {name: verdict.status for name, verdict in found.items() if name.startswith("rights/")}
    ours = ("rights/ProvisionerRole/", "rights/InspectorRole/")
    assert {status for name, status in rights.items() if name.startswith(ours)} == {"ticked"}
    assert {status for name, status in rights.items() if not name.startswith(ours)} == {"cannot be asked"}
