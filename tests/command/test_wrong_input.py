"""Whatever is wrong is one sentence on standard error and exit code 2, and nothing is started."""

import re

import boto3
import click
import pytest
from botocore.stub import Stubber

from eks_efs.command import main, root
from eks_efs.endings import MEANINGS, Exit
from eks_efs.stack import Stack
from local.cloud import ROOT, EmbeddedCloud
from tests.command.conftest import Command, Ended, run


def verbs(group: click.Group = root, *names: str) -> list[tuple[str, click.Command]]:
    found = []
    for name, verb in group.commands.items():
        inner = verbs(verb, *names, name) if isinstance(verb, click.Group) else [(" ".join([*names, name]), verb)]
        found += inner
    return found


def is_refused(ended: Ended) -> bool:
    is_one_sentence = re.fullmatch(r"eks-efs: .+\n", ended.stderr)
    return (ended.code, ended.stdout) == (Exit.WRONG_INPUT, "") and bool(is_one_sentence)


@pytest.mark.parametrize("name", [name for name, _ in verbs()])
def test_every_command_has_help_with_its_options_and_refuses_unknown_ones(name: str) -> None:
    told = run(f"eks-efs {name} --help")
    assert (told.code, told.stderr) == (0, "")
    assert "Examples:" in told.stdout
    refused = run(f"eks-efs {name} --no-such-option")
    assert is_refused(refused)
    assert "'--no-such-option'" in refused.stderr


@pytest.mark.parametrize(("name", "verb"), verbs())
def test_every_command_answers_programs_in_json(name: str, verb: click.Command) -> None:
    assert "--json" in {option for parameter in verb.params for option in parameter.opts}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("eks-efs chekc", "No such command 'chekc'. Did you mean 'check'?"),
        ("eks-efs check", "Missing argument 'CLUSTER': eks-efs check --help says what there is"),
        ("eks-efs completion tcsh", "'tcsh' is not one of 'bash', 'zsh', 'fish'"),
        ("eks-efs explain security-group-close", "there is no rule 'security-group-close'; did you mean "),
        ("eks-efs status --profile nobodys", "The config profile (nobodys) could not be found"),
    ],
)
def test_what_no_account_is_needed_for_is_refused_without_one(line: str, said: str) -> None:
    refused = run(line)
    assert is_refused(refused)
    assert said in refused.stderr


def test_without_a_region_it_says_where_to_give_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    refused = run("eks-efs status")
    assert is_refused(refused)
    assert "there is no region: give --region, AWS_REGION, or a profile that has one" in refused.stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("eks-efs provision nothing.yaml", "nothing.yaml cannot be used: No such file or directory"),
        ("eks-efs provision --set cluster.name", "--set cluster.name is not FIELD=VALUE, such as "),
        ("eks-efs provision --set region=nowhere-1", "region is 'nowhere-1'; allowed: "),
        ("eks-efs provision --set nodes=3", "nodes "),
        ("eks-efs provision --set cluster=3 --set cluster.name=a", "what is around cluster.name is no object"),
        ("eks-efs status nobody", "there is no cluster 'nobody'"),
        ("eks-efs check nobody --behaviour", "there is no cluster 'nobody'"),
        ("eks-efs remove nobody --yes", "there is no cluster 'nobody'"),
        ("eks-efs report nobody", "there is no cluster 'nobody'"),
        ("eks-efs watch nothing", "no execution of stack eks-efs-provisioner is named 'nothing': give its name"),
    ],
)
def test_what_the_stack_has_to_be_asked_about_is_refused_before_anything_is_started(
    command: Command, cloud: EmbeddedCloud, line: str, said: str
) -> None:
    seen = len(cloud.server.calls)
    refused = command(line)
    assert is_refused(refused), refused
    assert said in refused.stderr
    assert not [call for call in cloud.server.calls[seen:] if "StartExecution" in call]


def test_every_wrong_field_is_in_the_one_sentence(command: Command) -> None:
    refused = command("eks-efs provision --set region=nowhere-1 --set verification.writers=1000 --set cluster.nmae=a")
    assert is_refused(refused)
    for wrong in ("region", "verification.writers", "cluster.nmae"):
        assert wrong in refused.stderr


def test_what_an_operator_may_not_do_is_another_exit_code_with_what_aws_says(command: Command) -> None:
    ended = command("eks-efs status --stack elsewhere")
    assert (ended.code, ended.stdout) == (Exit.NOT_ANSWERED, "")
    assert re.fullmatch(
        r"eks-efs: AWS refused DescribeStacks with AccessDenied: User: .+:user/operator .+\n", ended.stderr
    )


@pytest.mark.parametrize(
    ("code", "message", "exit_code", "said"),
    [
        (
            "ValidationError",
            "Stack with id elsewhere does not exist",
            Exit.WRONG_INPUT,
            "there is no stack elsewhere in eu-west-1 of this account: name another with --stack or --region",
        ),
        (
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match, 'X-Amz-Security-Token:SECRET'",
            Exit.NOT_ANSWERED,
            "AWS refused DescribeStacks with SignatureDoesNotMatch",
        ),
    ],
)
def test_a_stack_that_is_not_there_and_a_wrong_signature_are_told_apart_and_no_token_is_told(
    monkeypatch: pytest.MonkeyPatch, code: str, message: str, exit_code: Exit, said: str
) -> None:
    client = boto3.client(
        "cloudformation", region_name="eu-west-1", aws_access_key_id="testing", aws_secret_access_key="testing"
    )
    stubber = Stubber(client)
    stubber.add_client_error("describe_stacks", code, message)
    stubber.activate()
    monkeypatch.setattr(Stack, "client", lambda *_: client)
    ended = run("eks-efs status --stack elsewhere --region eu-west-1")
    assert (ended.code, ended.stdout, ended.stderr) == (exit_code, "", f"eks-efs: {said}\n")


def test_the_help_and_the_page_tell_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--help"])
    told = capsys.readouterr().out
    page = (ROOT / "docs" / "command.md").read_text()
    assert set(MEANINGS) == set(Exit)
    for code, meaning in MEANINGS.items():
        assert f"{code:<3} {meaning}" in told
        assert f"| {code} | {meaning} |" in page


def test_the_page_and_the_list_of_verbs_name_the_same_commands() -> None:
    page = (ROOT / "docs" / "command.md").read_text()
    named = {line.split()[0] for line in re.findall(r"^\| `([a-z].*?)` \|", page, re.MULTILINE)}
    assert named == set(root.commands)
