"""Stopping the simulator leaves nothing behind."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.clock import Clock
from local.kubernetes import fargate, kubelet
from local.kubernetes.interfaces import ControlPlane, ControlPlanes
from tests.kubernetes.fargate_support import MemoryDataPlane, simulated


@dataclass
class Silent:
    """A control plane that takes connections and says nothing."""

    url: str
    ca_pem: str = ""
    admin_token: str = "nobody's"

    def stop(self) -> None:
        """Nothing to stop."""


def test_nothing_survives_the_simulators_stop(
    control_planes: ControlPlanes,
    control_plane: ControlPlane,
    api: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kubelet, "_SHORTEST_GRACE_SECONDS", 600.0)  # which none of them is given
    marker = f"sleep 63{os.getpid()}"
    before = {thread.name for thread in threading.enumerate()}
    with simulated(control_planes, control_plane, api, tmp_path) as cluster:
        namespace = cluster.namespace("leftovers")
        for number in range(3):
            cluster.run(namespace, f"pod-{number}", f"trap '' TERM; {marker} & {marker}")
        for number in range(3):
            cluster.until_phase(namespace, f"pod-{number}", "Running")
        assert marker in processes()
        begun = time.monotonic()
        cluster.simulator.stop()
        assert time.monotonic() - begun < 60
        assert marker not in processes()
        mounts = Path("/proc/mounts")
        assert not mounts.exists() or str(tmp_path) not in mounts.read_text()
        assert cluster.data_plane.placed == set()
    assert {thread.name for thread in threading.enumerate()} - before == set()


def test_all_simulators_share_a_thread(
    control_planes: ControlPlanes, control_plane: ControlPlane, api: Any, tmp_path: Path
) -> None:
    with (
        simulated(control_planes, control_plane, api, tmp_path / "first"),
        simulated(control_planes, control_plane, api, tmp_path / "second"),
    ):
        assert Counter(thread.name for thread in threading.enumerate())["fargate-simulators"] == 1


def test_who_never_hears_from_the_api_gives_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fargate, "_START_TIMEOUT_SECONDS", 0.5)
    before = set(threading.enumerate())
    with socket.create_server(("127.0.0.1", 0)) as listening:
        plane = Silent(f"https://127.0.0.1:{listening.getsockname()[1]}")
        simulator = fargate.FargateSimulator(
            plane, MemoryDataPlane(tmp_path), Clock(0), tmp_path / "fargate", owns_controllers=True
        )
        with pytest.raises(TimeoutError, match="did not answer"):
            simulator.start()
    assert set(threading.enumerate()) <= before


def processes() -> str:
    return subprocess.run(["ps", "-A", "-ww", "-o", "args="], capture_output=True, text=True, check=True).stdout
