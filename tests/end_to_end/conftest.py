"""One embedded cloud per kind of Kubernetes for all end-to-end tests, with the app deployed in it."""

from collections.abc import Iterator

import pytest

from local.cloud import EmbeddedCloud
from local.control_plane.build import find_assets
from tests.end_to_end.runs import Machine

KINDS = ["embedded", "real"] if find_assets() else ["embedded"]


@pytest.fixture(scope="session", params=KINDS)
def cloud(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCloud]:
    with EmbeddedCloud(tmp_path_factory.mktemp("cloud"), kubernetes=request.param) as cloud:
        yield cloud


@pytest.fixture(scope="session")
def machine(cloud: EmbeddedCloud) -> Machine:
    return Machine(cloud, cloud.deploy())
