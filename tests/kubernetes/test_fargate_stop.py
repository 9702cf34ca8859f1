"""Stopping the simulator leaves nothing behind."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from local.kubernetes.interfaces import ControlPlane, ControlPlanes
from tests.kubernetes.fargate_support import simulated


def test_nothing_survives_the_simulators_stop(
    control_planes: ControlPlanes, control_plane: ControlPlane, api: Any, tmp_path: Path
) -> None:
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
        assert time.monotonic() - begun < 1
        assert marker not in processes()
        mounts = Path("/proc/mounts")
        assert not mounts.exists() or str(tmp_path) not in mounts.read_text()
        assert cluster.data_plane.placed == set()
    assert {thread.name for thread in threading.enumerate()} - before == set()


def processes() -> str:
    return subprocess.run(["ps", "-A", "-ww", "-o", "args="], capture_output=True, text=True, check=True).stdout
