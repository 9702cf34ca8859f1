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


class Processes:
    """Every child process, so that none outlives the event loop, whoever was cancelled while waiting for it."""

    def __init__(self) -> None:
        self._open: set[Process] = set()

    async def spawn(
        self, arguments: list[str], spec: ContainerSpec, stdin: int, stdout: int, stderr: int, *, new_session: bool
    ) -> Process:
        self._open = {process for process in self._open if not _transport(process).is_closing()}
        process = await asyncio.create_subprocess_exec(
            *arguments,
            env=_environment(spec),
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=new_session,
        )
        self._open.add(process)
        return process

    async def close(self) -> None:
        for process in self._open:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
        await asyncio.gather(*(process.wait() for process in self._open))
        for process in self._open:
            _transport(process).close()
        self._open.clear()
        await asyncio.sleep(0)  # the closed pipes' callbacks run in the loop's next turn


def _transport(process: Process) -> asyncio.SubprocessTransport:
    """asyncio shows the transport of its high-level Process only here."""
    transport: asyncio.SubprocessTransport = process._transport  # type: ignore[attr-defined]
    return transport


class ContainerError(Exception):
    """The container could not be set up; the text is what the tools said."""


class Container:
    """One started container. `wait` gives its exit code: the command's, or 128 + the signal's number."""

    def __init__(self, isolation: Isolation, spec: ContainerSpec, process: Process, processes: Processes) -> None:
        self.log = ContainerLog()
        self._processes = processes
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
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._isolation.init_pid(self._process.pid), signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), grace_seconds)
        self.kill()
        await self.wait()

    def kill(self) -> None:
        """All at once: unshare, told first of its child's end by SIGKILL, would make an exit code 1 of it."""
        self._kill_group()

    async def execute(self, command: list[str], stdin: int, stdout: int, stderr: int, *, tty: bool = False) -> Process:
        """A further process in the container. With `tty` the descriptors are a terminal's, to take control of."""
        arguments = self._isolation.exec_arguments(self._spec, self._process.pid, command)
        if tty:
            arguments = ["setsid", "--ctty", *arguments]
        return await self._processes.spawn(arguments, self._spec, stdin, stdout, stderr, new_session=False)

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

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)


class ContainerRuntime:
    """Starts containers and, when closed, leaves none behind."""

    def __init__(self, directory: Path, isolation: Isolation | None = None) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._isolation = isolation or choose_isolation(directory)
        self._containers: set[Container] = set()
        self._processes = Processes()

    @property
    def image_digest(self) -> str:
        return self._isolation.digest

    async def start(self, spec: ContainerSpec) -> Container:
        """Raises ContainerError, UnsupportedByIsolation."""
        arguments = self._isolation.start_arguments(spec)
        # stdin stays open as long as this process lives: the sign of life for containers without namespaces
        process = await self._processes.spawn(arguments, spec, PIPE, PIPE, STDOUT, new_session=True)
        container = Container(self._isolation, spec, process, self._processes)
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
        await self._processes.close()


def _environment(spec: ContainerSpec) -> dict[str, str]:
    return {"PATH": _PATH, "HOME": "/root", "HOSTNAME": spec.hostname, **spec.environment}
