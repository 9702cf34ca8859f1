"""Containers as local processes: start, log, signal, exec."""

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from pathlib import Path

from local.kubernetes.container_isolation import STARTED, ContainerSpec, Isolation, choose_isolation
from local.kubernetes.container_log import ContainerLog

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_CHUNK_BYTES = 64 * 1024


class ContainerError(Exception):
    """The container could not be set up; the text is what the tools said."""


class Container:
    """One started container. `wait` gives its exit code: the command's, or 128 + the signal's number."""

    def __init__(self, isolation: Isolation, spec: ContainerSpec, process: Process) -> None:
        self.log = ContainerLog()
        self._isolation, self._spec, self._process = isolation, spec, process
        self._started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pump = asyncio.create_task(self._read_output())

    @property
    def running(self) -> bool:
        return self._process.returncode is None

    async def started(self) -> None:
        """Returns once the command has taken over. Raises ContainerError."""
        await asyncio.shield(self._started)

    async def wait(self) -> int:
        code = await self._process.wait()
        self._kill_group()  # without namespaces, the command's children may still hold the log open
        await asyncio.shield(self._pump)
        return 128 - code if code < 0 else code

    async def stop(self, grace_seconds: float) -> None:
        """SIGTERM, and SIGKILL for what is left after the grace; returns when nothing runs any more."""
        if self.running and grace_seconds > 0:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), grace_seconds)
        self.kill()
        await self.wait()

    def kill(self) -> None:
        if self.running:
            self._signal(signal.SIGKILL)
        self._kill_group()

    async def execute(self, command: list[str], stdin: int, stdout: int, stderr: int, *, tty: bool = False) -> Process:
        """A further process in the container. With `tty` the descriptors are a terminal's, to take control of."""
        arguments = self._isolation.exec_arguments(self._spec, self._process.pid, command)
        if tty:
            arguments = ["setsid", "--ctty", *arguments]
        return await asyncio.create_subprocess_exec(
            *arguments, env=_environment(self._spec), stdin=stdin, stdout=stdout, stderr=stderr
        )

    async def succeeds(self, command: list[str], timeout_seconds: float) -> bool:
        """Runs a probe's command."""
        process = await self.execute(command, DEVNULL, DEVNULL, DEVNULL)
        try:
            return await asyncio.wait_for(process.wait(), timeout_seconds) == 0
        except TimeoutError:
            return False
        finally:
            if process.returncode is None:
                process.kill()

    async def _read_output(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - we asked for a pipe
        head = b""
        while chunk := await self._process.stdout.read(_CHUNK_BYTES):
            if self._started.done():
                self.log.write(chunk)
                continue
            head += chunk
            _, marker, rest = head.partition(STARTED)
            if marker:
                self._started.set_result(None)
                self.log.write(rest)
        if not self._started.done():
            self._started.set_exception(ContainerError(head.decode(errors="replace").strip() or "set-up ended early"))
            self._started.exception()  # taken note of, should nobody wait any more
        self.log.close()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._isolation.init_pid(self._process.pid), number)

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)


class ContainerRuntime:
    """Starts containers and, when closed, leaves none behind."""

    def __init__(self, directory: Path, isolation: Isolation | None = None) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._isolation = isolation or choose_isolation(directory)
        self._containers: set[Container] = set()

    @property
    def image_digest(self) -> str:
        return self._isolation.digest

    async def start(self, spec: ContainerSpec) -> Container:
        """Raises ContainerError, UnsupportedByIsolation."""
        arguments = self._isolation.start_arguments(spec)
        # stdin stays open as long as this process lives: the sign of life for containers without namespaces
        process = await asyncio.create_subprocess_exec(
            *arguments, env=_environment(spec), stdin=PIPE, stdout=PIPE, stderr=STDOUT, start_new_session=True
        )
        container = Container(self._isolation, spec, process)
        self._containers.add(container)
        try:
            await container.started()
        except BaseException:
            container.kill()
            self._containers.discard(container)
            raise
        return container

    def forget(self, container: Container) -> None:
        self._containers.discard(container)

    async def close(self) -> None:
        for container in self._containers:
            container.kill()
        await asyncio.gather(*(container.wait() for container in self._containers))
        self._containers.clear()


def _environment(spec: ContainerSpec) -> dict[str, str]:
    return {"PATH": _PATH, "HOME": "/root", "HOSTNAME": spec.hostname, **spec.environment}
