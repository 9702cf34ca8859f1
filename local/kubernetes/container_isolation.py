"""Two ways to make a local process see what a container sees; which one works here is found by trying once.

Namespaces (Linux): own mounts, processes, host name; as root, or in a user namespace of the caller.
Path rewriting (macOS, locked-down Linux): mount paths in the command are replaced by the directories behind them.
"""

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from shlex import quote
from typing import Protocol

from local.kubernetes.container_userland import Userland

STARTED = b"\0started\n"
"""Set-up writes it just before the command takes over; anything before it is set-up's own trouble."""

# What container runtimes leave to root in a container; mounting is not among it.
_CAPABILITIES = (
    "chown dac_override fowner fsetid kill setgid setuid setpcap "
    "net_bind_service net_raw sys_chroot mknod audit_write setfcap"
)


# `flock [-n] <descriptor>`: what busybox's does with an open file.
_FLOCK = """\
import fcntl, sys
try:
    fcntl.flock(int(sys.argv[-1]), fcntl.LOCK_EX | (fcntl.LOCK_NB if "-n" in sys.argv else 0))
except BlockingIOError:
    sys.exit(1)
"""


@dataclass(frozen=True)
class ContainerMount:
    """A directory at a path of the container; the rest is what /proc/mounts says of it."""

    directory: Path
    path: str
    source: str
    fs_type: str
    options: str
    read_only: bool = False
    root_is_squashed: bool = False

    def line(self) -> str:
        options = re.sub(r"^rw\b", "ro", self.options) if self.read_only else self.options
        return f"{self.source} {self.path} {self.fs_type} {options} 0 0"


@dataclass(frozen=True)
class ContainerSpec:
    command: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    working_directory: str = "/"
    mounts: tuple[ContainerMount, ...] = ()
    hostname: str = "container"
    read_only_root: bool = False
    user: int | None = None
    group: int | None = None

    def mount_table(self) -> str:
        lines = ["overlay / overlay rw,relatime 0 0", "proc /proc proc rw,nosuid,nodev,noexec,relatime 0 0"]
        return "\n".join([*lines, *(mount.line() for mount in self.mounts)]) + "\n"


class UnsupportedByIsolation(Exception):  # noqa: N818 - the kubelet reports it as CreateContainerError
    pass


class Isolation(Protocol):
    @property
    def digest(self) -> str: ...

    def start_arguments(self, spec: ContainerSpec) -> list[str]:
        """Writes STARTED, then runs the command; ends when standard input closes or its parent dies."""

    def exec_arguments(self, spec: ContainerSpec, pid: int, command: list[str]) -> list[str]: ...

    def init_pid(self, pid: int) -> int:
        """The process signals go to, given the one that was started."""


class Namespaces:
    """util-linux unshare, a tmpfs root made for this container alone, chroot."""

    def __init__(self, directory: Path, *, root: bool) -> None:
        self._root = directory / "root"
        self._root.mkdir(parents=True, exist_ok=True)
        self._is_root = root
        self._userland = Userland.find(directory, read_only_binds=root)
        self.digest = self._userland.digest

    def start_arguments(self, spec: ContainerSpec) -> list[str]:
        user_namespace = [] if self._is_root else ["--map-root-user"]
        # --pdeathsig and --kill-child: containers never outlive the simulator, even when it is killed
        unshare = ["setpriv", "--pdeathsig", "KILL", "unshare", *user_namespace, "--mount", "--pid", "--uts", "--ipc"]
        enter = " ".join(map(quote, self._enter(spec, spec.command)))
        script = f"{self._set_up(spec)}\nprintf '\\0started\\n'\nexec {enter} </dev/null\n"
        return [*unshare, "--fork", "--kill-child", "/bin/sh", "-c", script]

    def exec_arguments(self, spec: ContainerSpec, pid: int, command: list[str]) -> list[str]:
        user_namespace = [] if self._is_root else ["--user", "--preserve-credentials"]
        nsenter = [
            "nsenter",
            "--target",
            str(self.init_pid(pid)),
            *user_namespace,
            "--mount",
            "--pid",
            "--uts",
            "--ipc",
        ]
        return [*nsenter, *self._enter(spec, command)]

    def init_pid(self, pid: int) -> int:
        try:
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except OSError:
            return pid
        return int(children[0]) if children else pid

    def _enter(self, spec: ContainerSpec, command: list[str]) -> list[str]:
        squashed = any(mount.root_is_squashed for mount in spec.mounts)
        names = [name for name in _CAPABILITIES.split() if not (squashed and name == "dac_override")]
        bounding = "--bounding-set=-all," + ",".join(f"+{name}" for name in names)
        userspec = []
        if spec.user is not None or spec.group is not None:
            if not self._is_root:
                raise UnsupportedByIsolation("runAsUser and runAsGroup need the simulator to run as root")
            user = spec.user or 0
            userspec = [f"--userspec={user}:{user if spec.group is None else spec.group}"]
        start = ["/bin/sh", "-c", 'cd "$0" && exec "$@"', spec.working_directory, *command]
        return ["setpriv", bounding, "chroot", *userspec, str(self._root), *start]

    def _set_up(self, spec: ContainerSpec) -> str:
        lines = [
            "set -e",
            f"mount -t tmpfs -o mode=0755 tmpfs {quote(str(self._root))}",
            f"cd {quote(str(self._root))}",
            self._userland.set_up,
            "mkdir -p dev dev/shm etc proc/self root run/.procfs tmp var/tmp",
            "chmod 1777 tmp var/tmp dev/shm",
            "for device in null zero full random urandom tty; do"
            ' if [ -e "/dev/$device" ]; then : > "dev/$device"; mount --bind "/dev/$device" "dev/$device"; fi; done',
            "ln -s /proc/self/fd dev/fd; ln -s fd/0 dev/stdin; ln -s fd/1 dev/stdout; ln -s fd/2 dev/stderr",
            "echo 'root:x:0:0:root:/root:/bin/sh' > etc/passwd; echo 'root:x:0:' > etc/group",
            f"printf '127.0.0.1 localhost %s\\n' {quote(spec.hostname)} > etc/hosts",
            f"echo {quote(spec.hostname)} > etc/hostname; ln -s /proc/mounts etc/mtab",
            f"hostname {quote(spec.hostname)} 2>/dev/null || :",
            # The kernel's /proc/mounts would name the directory behind the volume, not the NFS mount it stands for,
            # and cannot be overlaid for every process. So /proc is a plain folder with our table, and links to the
            # real procfs (missing where a user namespace may not mount one) for the rest that programs read.
            "mount -t proc proc run/.procfs 2>/dev/null || :",
            "for entry in cpuinfo loadavg meminfo stat sys uptime version; do ln -s ../run/.procfs/$entry proc/; done",
            "ln -s ../../run/.procfs/self/fd proc/self/fd; ln -s self/mounts proc/mounts",
            f"printf %s {quote(spec.mount_table())} > proc/self/mounts",
        ]
        for mount in spec.mounts:
            target = quote(mount.path.strip("/"))
            lines.append(f"mkdir -p {target}; mount --bind {quote(str(mount.directory))} {target}")
            if mount.read_only:
                lines.append(f"mount -o remount,bind,ro {target}")
        if spec.read_only_root:
            lines.append("mount -o remount,ro .")
        return "\n".join(lines)


class PathRewriting:
    """No isolation at all, only the right directories: the command must name mount paths literally."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory / "mount-tables"
        self._directory.mkdir(parents=True, exist_ok=True)
        self.digest = Userland.find(directory, read_only_binds=False).digest

    def start_arguments(self, spec: ContainerSpec) -> list[str]:
        if spec.user is not None or spec.group is not None or spec.read_only_root:
            raise UnsupportedByIsolation("securityContext needs Linux namespaces")
        # The watcher ends the whole process group when our end of its input closes, however we die.
        watch = "exec 3<&0 </dev/null; { cat <&3; kill -KILL 0; } >/dev/null 2>&1 & exec 3<&-"
        script = f'{watch}; printf \'\\0started\\n\'; cd "$0" && exec "$@"'
        return [
            "/bin/sh",
            "-c",
            script,
            self._rewrite(spec, spec.working_directory),
            *self._command(spec, spec.command),
        ]

    def exec_arguments(self, spec: ContainerSpec, pid: int, command: list[str]) -> list[str]:
        return self._command(spec, command)

    def init_pid(self, pid: int) -> int:
        return pid

    def _command(self, spec: ContainerSpec, command: list[str]) -> list[str]:
        settings = [f"{name}={self._rewrite(spec, value)}" for name, value in spec.environment.items()]
        if shutil.which("flock") is None:
            settings.append(f"PATH={self._programs()}:{os.environ.get('PATH', os.defpath)}")
        return ["env", *settings, *(self._rewrite(spec, word) for word in command)]

    def _programs(self) -> Path:
        """macOS has no flock, which the image has."""
        programs = self._directory.parent / "programs"
        programs.mkdir(exist_ok=True)
        text = f"#!{sys.executable}\n{_FLOCK}"
        if not (flock := programs / "flock").exists() or flock.read_text() != text:
            flock.write_text(text)
            flock.chmod(0o755)
        return programs

    def _rewrite(self, spec: ContainerSpec, text: str) -> str:
        table = self._directory / f"{abs(hash(spec.mounts)):x}"
        table.write_text(spec.mount_table())
        places = {mount.path.rstrip("/"): str(mount.directory) for mount in spec.mounts} | {"/proc/mounts": str(table)}
        longest_first = sorted(places, key=len, reverse=True)
        pattern = "|".join(rf"(?<![\w./-]){re.escape(path)}(?![\w-])" for path in longest_first)
        return re.sub(pattern, lambda match: places[match[0]], text)


def isolation_of(directory: Path) -> Isolation:
    """One for all clusters of a cloud: finding it is as much work as running ten containers."""
    with _choosing:
        return _chosen(directory)


def choose_isolation(directory: Path) -> Isolation:
    """The most faithful isolation that works on this machine with the rights at hand."""
    tools = ("unshare", "nsenter", "setpriv", "chroot", "mount")
    if sys.platform == "linux" and all(map(shutil.which, tools)):
        namespaces = Namespaces(directory, root=os.geteuid() == 0)
        trial = namespaces.start_arguments(ContainerSpec(["/bin/sh", "-c", "exit 7"]))
        finished = subprocess.run(trial, stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False)
        if finished.returncode == 7:
            return namespaces
    return PathRewriting(directory)


_choosing = threading.Lock()
_chosen = cache(choose_isolation)
