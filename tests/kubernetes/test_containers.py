"""Containers as processes: what they see, how they end, and that they never outlive the simulator."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from local.kubernetes.container_isolation import (
    ContainerMount,
    ContainerSpec,
    Isolation,
    PathRewriting,
    choose_isolation,
)
from local.kubernetes.containers import Container, ContainerError, ContainerRuntime

PATIENCE_SECONDS = 300.0
"""On a machine whose processors others want too."""
OPTIONS = "rw,relatime,vers=4.1,proto=tcp"
Scenario = Callable[[ContainerRuntime], Awaitable[None]]
Run = Callable[[Scenario], None]


@pytest.fixture(scope="module")
def best(tmp_path_factory: pytest.TempPathFactory) -> Isolation:
    return choose_isolation(tmp_path_factory.mktemp("isolation"))


@pytest.fixture(params=["best", "rewriting"])
def isolation(request: pytest.FixtureRequest, best: Isolation, tmp_path: Path) -> Isolation:
    return best if request.param == "best" else PathRewriting(tmp_path / "rewriting")


@pytest.fixture
def run(isolation: Isolation, tmp_path: Path) -> Run:
    def run_scenario(scenario: Scenario) -> None:
        async def body() -> None:
            runtime = ContainerRuntime(tmp_path / "containers", isolation)
            try:
                await scenario(runtime)
            finally:
                await runtime.close()

        asyncio.run(asyncio.wait_for(body(), PATIENCE_SECONDS))

    return run_scenario


def shell(script: str, *mounts: ContainerMount, read_only_root: bool = False) -> ContainerSpec:
    return ContainerSpec(["/bin/sh", "-c", script], mounts=mounts, read_only_root=read_only_root)


def efs(directory: Path, *, read_only: bool = False) -> ContainerMount:
    directory.mkdir(exist_ok=True)
    return ContainerMount(directory, "/data", "127.0.0.1:/", "nfs4", OPTIONS, read_only)


async def output(runtime: ContainerRuntime, spec: ContainerSpec) -> tuple[int, str]:
    container = await runtime.start(spec)
    code = await container.wait()
    return code, text(container)


def text(container: Container) -> str:
    return b"".join(line.data for line in container.log.lines()).decode()


def alive(marker: str) -> bool:
    processes = subprocess.run(["ps", "-A", "-ww", "-o", "args="], capture_output=True, text=True, check=True).stdout
    return marker in processes


def wait_until(holds: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> bool:
    deadline = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return held


def test_a_command_writes_to_the_mounted_directory_and_its_exit_code_is_kept(run: Run, tmp_path: Path) -> None:
    async def scenario(runtime: ContainerRuntime) -> None:
        code, said = await output(runtime, shell("echo hello > /data/f; cat /data/f; exit 3", efs(tmp_path / "fs")))
        assert (code, said) == (3, "hello\n")
        assert (tmp_path / "fs" / "f").read_text() == "hello\n"

    run(scenario)


def test_proc_mounts_shows_the_volume_as_the_nfs_mount_it_stands_for(run: Run, tmp_path: Path) -> None:
    async def scenario(runtime: ContainerRuntime) -> None:
        _, said = await output(runtime, shell("grep ' nfs4 ' /proc/mounts", efs(tmp_path / "fs")))
        assert said.split()[0] == "127.0.0.1:/"
        assert said.split()[2:] == ["nfs4", OPTIONS, "0", "0"]

    run(scenario)


def test_a_command_ended_by_a_signal_exits_with_128_and_its_number(run: Run) -> None:
    async def scenario(runtime: ContainerRuntime) -> None:
        container = await runtime.start(shell("sleep 60 & wait"))
        container.kill()
        assert await container.wait() == 128 + signal.SIGKILL

    run(scenario)


def test_the_grace_lets_a_trap_finish_and_then_ends(run: Run) -> None:
    async def scenario(runtime: ContainerRuntime) -> None:
        container = await runtime.start(shell("trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done"))
        async for line in container.log.follow():
            assert line.data == b"up\n"
            break
        await container.stop(PATIENCE_SECONDS)
        assert (await container.wait(), text(container)) == (0, "up\nbye\n")

    run(scenario)


def test_a_command_that_ignores_the_term_signal_is_killed_after_the_grace(run: Run) -> None:
    async def scenario(runtime: ContainerRuntime) -> None:
        container = await runtime.start(shell("trap '' TERM; echo up; while :; do sleep 0.05; done"))
        async for _ in container.log.follow():
            break
        begun = time.monotonic()
        await container.stop(0.3)
        assert time.monotonic() - begun >= 0.3
        assert await container.wait() == 128 + signal.SIGKILL

    run(scenario)


def test_exec_runs_beside_the_command_in_the_same_directories(run: Run, tmp_path: Path) -> None:
    async def scenario(runtime: ContainerRuntime) -> None:
        container = await runtime.start(shell("echo shared > /data/f; echo up; sleep 60", efs(tmp_path / "fs")))
        async for _ in container.log.follow():
            break
        process = await container.execute(["/bin/sh", "-c", "cat /data/f; exit 4"], DEVNULL, PIPE, PIPE)
        out, _ = await process.communicate()
        assert (out, process.returncode) == (b"shared\n", 4)
        assert await container.succeeds(["test", "-e", "/data/f"], PATIENCE_SECONDS)
        assert not await container.succeeds(["test", "-e", "/data/g"], PATIENCE_SECONDS)

    run(scenario)


def test_closing_the_runtime_leaves_no_process(run: Run) -> None:
    marker = f"sleep 61{os.getpid()}"

    async def scenario(runtime: ContainerRuntime) -> None:
        for _ in range(3):
            await runtime.start(shell(f"{marker} & {marker}"))
        assert wait_until(lambda: alive(marker))

    run(scenario)
    assert wait_until(lambda: not alive(marker))


def test_containers_die_with_a_simulator_that_is_killed(isolation: Isolation, tmp_path: Path) -> None:
    marker = f"sleep 62{os.getpid()}"
    program = f"""
import asyncio, pathlib
from local.kubernetes.container_isolation import ContainerSpec, PathRewriting, choose_isolation
from local.kubernetes.containers import ContainerRuntime
async def main():
    directory = pathlib.Path({str(tmp_path)!r})
    isolation = {"PathRewriting" if isinstance(isolation, PathRewriting) else "choose_isolation"}(directory)
    await ContainerRuntime(directory, isolation).start(ContainerSpec(["/bin/sh", "-c", "{marker} & {marker}"]))
    print("up", flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as simulator:
        assert simulator.stdout is not None
        assert simulator.stdout.readline() == b"up\n"
        assert wait_until(lambda: alive(marker))
        simulator.kill()
    assert wait_until(lambda: not alive(marker))


def test_a_container_sees_nothing_of_the_host_but_its_volumes_and_programs(best: Isolation, tmp_path: Path) -> None:
    if isinstance(best, PathRewriting):
        assert not best.start_arguments(shell("true"))[0].endswith("unshare")
        return

    async def scenario() -> None:
        runtime = ContainerRuntime(tmp_path / "c", best)
        code, said = await output(runtime, shell(f"ls {tmp_path}; echo $$; mount -t tmpfs x /tmp || echo refused"))
        assert "No such file" in said
        assert "\n1\n" in said
        assert said.endswith("refused\n")
        assert (tmp_path / "c").is_dir()
        read_only = shell("echo x > /data/f", efs(tmp_path / "fs", read_only=True))
        code, said = await output(runtime, read_only)
        assert code != 0
        assert "Read-only" in said
        code, said = await output(runtime, shell("echo x > /f", read_only_root=True))
        assert (code != 0, "Read-only" in said) == (True, True)
        await runtime.close()

    asyncio.run(scenario())


def test_a_container_that_cannot_be_set_up_is_an_error_with_the_reason(best: Isolation, tmp_path: Path) -> None:
    if isinstance(best, PathRewriting):
        assert best.init_pid(4) == 4
        return

    async def scenario() -> None:
        runtime = ContainerRuntime(tmp_path / "c", best)
        missing = ContainerMount(tmp_path / "missing", "/data", "x", "nfs4", "rw")
        with pytest.raises(ContainerError, match="missing"):
            await runtime.start(shell("true", missing))
        await runtime.close()

    asyncio.run(scenario())


LOCKED = 'exec 9>>/data/counter; flock -n 9 && echo "got it"; sleep {seconds}'


def test_a_lock_on_a_shared_directory_holds_between_containers(run: Run, tmp_path: Path) -> None:
    async def scenario(runtime: ContainerRuntime) -> None:
        mount = efs(tmp_path / "shared")
        first = await runtime.start(shell(LOCKED.format(seconds=60), mount))
        while text(first) != "got it\n":
            await asyncio.sleep(0.02)
        assert await output(runtime, shell(LOCKED.format(seconds=0), mount)) == (0, "")
        first.kill()
        await first.wait()
        assert await output(runtime, shell(LOCKED.format(seconds=0), mount)) == (0, "got it\n")

    run(scenario)


def test_a_host_without_flock_gets_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda program: None if program == "flock" else which(program))
    isolation = PathRewriting(tmp_path / "rewriting")

    async def scenario() -> None:
        runtime = ContainerRuntime(tmp_path / "containers", isolation)
        try:
            spec = shell(f"{LOCKED.format(seconds=0)}; command -v flock", efs(tmp_path / "shared"))
            assert await output(runtime, spec) == (0, f"got it\n{tmp_path}/rewriting/programs/flock\n")
        finally:
            await runtime.close()

    asyncio.run(asyncio.wait_for(scenario(), PATIENCE_SECONDS))
