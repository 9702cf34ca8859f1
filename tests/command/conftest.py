"""One embedded cloud with the app in it, and the command as an operator runs it, with docs/command.md's rights."""

import contextlib
import io
import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from eks_efs.command import main
from eks_efs.stack import Stack
from local.cloud import EmbeddedCloud
from local.serve import FOREIGN
from tests.command.rights import policy

OPERATOR = "operator"


@dataclass(frozen=True)
class Ended:
    code: int
    stdout: str
    stderr: str


Command = Callable[[str], Ended]
Calls = set[str]
"""<service>:<operation>, as botocore names them."""


def run(line: str) -> Ended:
    """Of `eks-efs …`, in this process, on a terminal that is none."""
    program, *arguments = shlex.split(line)
    assert program == "eks-efs"
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        code = main(arguments)
    return Ended(code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="package")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCloud]:
    with EmbeddedCloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud


@pytest.fixture(scope="package")
def outputs(cloud: EmbeddedCloud) -> Mapping[str, str]:
    return cloud.deploy()


@pytest.fixture(scope="package")
def calls() -> Calls:
    return set()


@pytest.fixture(scope="package")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands run."""
    return tmp_path_factory.mktemp("folder")


@pytest.fixture(scope="package")
def shell(cloud: EmbeddedCloud, outputs: Mapping[str, str]) -> Mapping[str, str]:
    """The environment of a person who may do what the page says."""
    people = cloud.client("iam")
    people.create_user(UserName=OPERATOR)
    rights = policy(cloud.account_id, cloud.region)
    people.put_user_policy(UserName=OPERATOR, PolicyName="eks-efs", PolicyDocument=rights)
    key = people.create_access_key(UserName=OPERATOR)["AccessKey"]
    ours = {name: value for name, value in os.environ.items() if name not in (*FOREIGN, "AWS_REGION")}
    return {
        **ours,
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        "AWS_DEFAULT_REGION": cloud.region,
        "COLUMNS": "120",
    }


@pytest.fixture(scope="package")
def command(shell: Mapping[str, str], calls: Calls, folder: Path) -> Iterator[Command]:
    """Every call of an API that the command makes is noted in `calls`."""
    original = Stack.client

    def noting(stack: Stack, service: str) -> object:
        client = original(stack, service)
        client.meta.events.register(
            "before-call", lambda model, **_: calls.add(f"{service}:{model.name}"), unique_id="noting"
        )
        return client

    def of_an_operator(line: str) -> Ended:
        with patch.context() as inner, contextlib.chdir(folder):
            for name in (*FOREIGN, "AWS_REGION"):
                inner.delenv(name, raising=False)
            for name, value in shell.items():
                inner.setenv(name, value)
            return run(line)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stack, "client", noting)
        yield of_an_operator
