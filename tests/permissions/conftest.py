"""One embedded cloud with every role in it; the scenarios are played with all rights, and again to take them away."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from local.aws.permissions.audit import Decision
from local.cloud import EmbeddedCloud
from tests.permissions.invocations import Invocations, forget_linked_roles, start_cold
from tests.permissions.rights import Right, deployed_rights
from tests.permissions.scenarios import play
from tests.permissions.table import lines
from tests.permissions.world import World

TABLE = pytest.StashKey[list[str]]()


@dataclass(frozen=True)
class Played:
    """The scenarios have been played, and nobody's rights were touched."""

    world: World
    rights: list[Right]
    decisions: list[Decision]
    invocations: Invocations


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test that asks for the scenarios plays all of them."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(1800))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test for every statement that is deployed."""
    if "label" in metafunc.fixturenames:
        with TemporaryDirectory() as directory, EmbeddedCloud(Path(directory)) as cloud:
            World.deployed(cloud)
            metafunc.parametrize("label", [right.label for right in deployed_rights()])


@pytest.fixture(scope="session")
def played(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with EmbeddedCloud(tmp_path_factory.mktemp("cloud")) as cloud:
        world = World.deployed(cloud)
        rights = deployed_rights()
        invocations = Invocations(cloud, rights)
        invocations.watch()
        play(world, "first")
        decisions = list(cloud.server.authoriser.audit)
        request.config.stash[TABLE] = lines(rights, decisions)
        yield Played(world, rights, decisions, invocations)


@pytest.fixture(scope="session")
def swept(played: Played) -> Played:
    """Once more, on other clusters: every function has been invoked without each right that it needed."""
    start_cold(played.world.cloud)
    forget_linked_roles(played.world.cloud)
    played.invocations.taking_away = True
    play(played.world, "second")
    played.invocations.taking_away = False
    return played


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in terminalreporter.config.stash.get(TABLE, []):
        terminalreporter.write_line(line)
