"""One embedded cloud per kind of Kubernetes for all end-to-end tests, with the app deployed in it."""

import gc
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.cloud import EmbeddedCloud
from local.control_plane.build import find_assets
from tests.end_to_end.accounts import Organization
from tests.end_to_end.commands import AWS, KUBECTL, Serve, options, start_serve, still_running, until
from tests.end_to_end.runs import Machine

KINDS = ["embedded", "real"] if find_assets() else ["embedded"]
NEEDED = {"test_serve.py": {"aws": AWS}, "test_kubectl.py": {"aws": AWS, "kubectl": KUBECTL}}


def _missing(file_name: str) -> list[str]:
    return [name for name, program in NEEDED.get(file_name, {}).items() if program is None]


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    return True if _missing(collection_path.name) else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for file_name in NEEDED:
        if missing := _missing(file_name):
            terminalreporter.write_line(f"{file_name} was left out: there is no {' and no '.join(missing)} here.")


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """A file's clusters go when its tests are through: thirty control planes at once take 15 GB, and never rest.

    What the cloud remembers of it stays: looking through all of that for garbage, again and again, had become a sixth
    of all processor time when the last files were at it.
    """
    cloud: EmbeddedCloud | None = getattr(item, "funcargs", {}).get("cloud")
    if cloud and not cloud.stopping and (nextitem is None or nextitem.path != item.path):
        cloud.drop_clusters()
        gc.collect()
        gc.freeze()


@pytest.fixture(scope="session", params=KINDS)
def cloud(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCloud]:
    with EmbeddedCloud(tmp_path_factory.mktemp("cloud"), kubernetes=request.param) as cloud:
        yield cloud


@pytest.fixture(scope="session")
def machine(cloud: EmbeddedCloud) -> Machine:
    return Machine(cloud, cloud.deploy())


@pytest.fixture(scope="session")
def reverify(machine: Machine) -> Machine:
    return Machine(machine.cloud, machine.outputs, "Reverify")


@pytest.fixture(scope="module")
def organization(cloud: EmbeddedCloud) -> Iterator[Organization]:
    made = Organization(cloud)
    yield made
    made.dissolve()


@pytest.fixture(scope="session", params=KINDS)
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """`make serve` with a cluster in it that `aws` has ordered; it has to end well and leave nothing behind."""
    directory = tmp_path_factory.mktemp("serve")
    serve = start_serve(options(request.param, directory), directory)
    try:
        ended = serve.wait_for(serve.start_provisioning())
        assert ended["status"] == "SUCCEEDED", ended.get("cause")
        yield serve
        processes = serve.descendants()
        assert serve.end(signal.SIGINT) == 0
        until(lambda: not still_running(processes), "every process to end")
        assert not serve.env_file.exists()
    finally:
        serve.process.kill()
