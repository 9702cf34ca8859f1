"""The programs a container sees: what an image would bring, without an image."""

import hashlib
import os
import re
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

_HOST_FOLDERS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/usr", "/etc/alternatives", "/nix")
_ELF_INTERPRETER = 3  # program header PT_INTERP: the binary needs a dynamic linker


@dataclass(frozen=True)
class Userland:
    """`set_up`: shell lines that put the programs into the current directory, the container's root."""

    digest: str
    set_up: str

    @classmethod
    def find(cls, directory: Path, *, read_only_binds: bool) -> "Userland":
        """A static busybox when there is one, as in the image; else the host's own programs, read-only."""
        busybox = shutil.which("busybox")
        if busybox and _is_static(Path(busybox)):
            return cls(_digest(Path(busybox)), _busybox_set_up(Path(busybox), directory / "userland"))
        return cls(_digest(Path(os.path.realpath("/bin/sh"))), _host_set_up(read_only_binds))


def _digest(program: Path) -> str:
    return hashlib.sha256(program.read_bytes()).hexdigest()


def _is_static(program: Path) -> bool:
    data = program.read_bytes()
    if data[:6] != b"\x7fELF\x02\x01":  # 64 bit, little endian: what this runs on
        return False
    (offset,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    return all(struct.unpack_from("<I", data, offset + size * i)[0] != _ELF_INTERPRETER for i in range(count))


def _busybox_set_up(busybox: Path, tree: Path) -> str:
    programs = tree / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    copy = programs / "busybox"
    if not copy.exists():
        shutil.copy(busybox, copy)
        applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
        for applet in set(applets) - {"busybox"}:
            (programs / applet).symlink_to("busybox")
    if not (programs / "flock").exists():
        _bring_flock(programs)
    links = "ln -s bin sbin; ln -s ../bin usr/bin; ln -s ../bin usr/sbin"
    return f"mkdir bin usr; mount --bind {quote(str(programs))} bin; {links}"


def _bring_flock(programs: Path) -> None:
    """The image's busybox has flock, Debian's is built without: util-linux's comes along, with its libraries."""
    flock = shutil.which("flock")
    if flock is None:
        return
    libraries = programs / ".flock"
    libraries.mkdir(exist_ok=True)
    listed = subprocess.run(["ldd", flock], capture_output=True, text=True, check=False).stdout
    for path in (flock, *re.findall(r"/\S+", listed)):
        shutil.copy(path, libraries)
    linker = next((path.name for path in libraries.iterdir() if re.match(r"ld(-linux|-musl|64)", path.name)), "")
    command = f"/bin/.flock/{linker} --library-path /bin/.flock /bin/.flock/flock" if linker else "/bin/.flock/flock"
    (programs / "flock").write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    (programs / "flock").chmod(0o755)


def _host_set_up(read_only_binds: bool) -> str:
    lines = []
    for folder in map(Path, _HOST_FOLDERS):
        target = quote(str(folder).lstrip("/"))
        if folder.is_symlink():  # /bin -> usr/bin
            lines.append(f"ln -s {quote(os.readlink(folder))} {target}")
        elif folder.is_dir():
            lines.append(f"mkdir -p {target}; mount --rbind {quote(str(folder))} {target}")
            if read_only_binds:
                lines.append(f"mount -o remount,bind,ro {target}")
    linker_cache = Path("/etc/ld.so.cache")
    if linker_cache.exists():
        lines.append(f"mkdir -p etc; cp {linker_cache} etc/")
    return "\n".join(lines)
