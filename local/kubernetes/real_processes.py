"""Programs that run beside us and never outlive us."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

# PR_SET_PDEATHSIG follows the *thread* that forked, so all programs are started by one thread that lives as long as
# this process: a cluster made in a short-lived request thread would otherwise die with the request.
_launcher = ThreadPoolExecutor(max_workers=1, thread_name_prefix="control-plane-launcher")


@dataclass(frozen=True)
class Program:
    """A running program and where it logs."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def tail(self, lines: int = 15) -> str:
        """The end of its log, for a person who has to find out why it stopped."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def launch(executable: Path, flags: list[str], directory: Path) -> Program:
    """Start a program that is killed when this process ends, however it ends (also by SIGKILL)."""
    setpriv = shutil.which("setpriv")
    guard = [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []
    log = directory / f"{executable.name}.log"

    def start() -> subprocess.Popen[bytes]:
        with log.open("wb") as output:
            return subprocess.Popen(
                [*guard, str(executable), *flags],
                cwd=directory,
                # Memory for time: collecting garbage is a fifth of what the start of an API server costs.
                env={"GOGC": "300", **os.environ},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    return Program(executable.name, _launcher.submit(start).result(), log)


def kill(programs: list[Program]) -> None:
    """At once and without a farewell: what they would save is thrown away anyway."""
    for program in programs:
        program.process.kill()
    for program in programs:
        program.process.wait()


def reserve_port(port: int | None) -> socket.socket:
    """A bound, not listening socket: nobody else gets its port, and kube-apiserver may share it (SO_REUSEPORT)."""
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        reserved.bind(("127.0.0.1", port or 0))
    except OSError:
        reserved.close()
        raise
    return reserved
