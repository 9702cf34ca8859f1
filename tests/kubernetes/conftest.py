"""Every test here that takes `control_plane` runs on both kinds; on the real one only where it was built."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes
import pytest

from local.control_plane.build import find_assets
from local.kubernetes.certificates import client_context
from local.kubernetes.embedded import EmbeddedControlPlanes
from local.kubernetes.interfaces import ControlPlane, ControlPlanes
from local.kubernetes.real import RealControlPlanes
from tests.kubernetes.eks_tokens import CLUSTER, authenticator

ASSETS = find_assets()
KINDS = ["embedded", *(["real"] if ASSETS else [])]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not ASSETS:
        terminalreporter.write_line(
            "Kubernetes tests ran on the embedded API only: `make control-plane` builds the real one."
        )


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """What is only about the real control plane is not collected where there is none."""
    needs_it = collection_path.name in {"test_differential.py", "test_real_control_plane.py"}
    return True if needs_it and not ASSETS else None


@pytest.fixture(scope="session")
def assets() -> Path:
    assert ASSETS, "only tests that are not collected without it ask for the real control plane"
    return ASSETS


@pytest.fixture(scope="session", params=KINDS)
def control_planes(request: pytest.FixtureRequest) -> ControlPlanes:
    """One kind of control plane after the other."""
    return RealControlPlanes(ASSETS) if request.param == "real" and ASSETS else EmbeddedControlPlanes()


@pytest.fixture(scope="module")
def control_plane(control_planes: ControlPlanes) -> Iterator[ControlPlane]:
    """A cluster API for one module; its callers are those of eks_tokens.py."""
    running = control_planes.start(CLUSTER, authenticator().authenticate)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def api(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The official client, as cluster administrator."""
    authority = tmp_path_factory.mktemp("authority") / "ca.crt"
    authority.write_text(control_plane.ca_pem)
    configuration = kubernetes.client.Configuration()
    configuration.host = control_plane.url
    configuration.ssl_ca_cert = str(authority)
    configuration.api_key = {"authorization": f"Bearer {control_plane.admin_token}"}
    with kubernetes.client.ApiClient(configuration) as client:
        client.rest_client.pool_manager.connection_pool_kw["ssl_context"] = client_context(control_plane.ca_pem)
        yield client
