"""One embedded cloud with the app in it, and an administrator who makes contact."""

from collections.abc import Callable, Iterator

import boto3
import pytest

from first_contact.__main__ import STACK, ask
from first_contact.checks import EVERY
from first_contact.contact import Contact
from first_contact.verdicts import Verdict
from local.cloud import EmbeddedCloud
from local.first_contact import environment

Pass = Callable[[], dict[str, Verdict]]


@pytest.fixture(scope="package")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCloud]:
    with EmbeddedCloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud


@pytest.fixture(scope="package")
def outputs(cloud: EmbeddedCloud) -> dict[str, str]:
    return cloud.deploy()


@pytest.fixture(scope="package")
def contact_anew(cloud: EmbeddedCloud, outputs: dict[str, str]) -> Iterator[Callable[[], Contact]]:
    with environment(cloud):
        session = boto3.Session()
        yield lambda: Contact(session, STACK)


@pytest.fixture(scope="package")
def one_pass(contact_anew: Callable[[], Contact]) -> Pass:
    """Every check that costs nothing, by the names of what was asked."""
    return lambda: {verdict.name: verdict for verdict in ask(contact_anew(), EVERY)}


@pytest.fixture(scope="package")
def untouched(one_pass: Pass) -> dict[str, Verdict]:
    return one_pass()
