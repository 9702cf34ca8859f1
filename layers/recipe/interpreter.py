"""The Python that Lambda runs, and one like it on this host."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

Version = tuple[int, int]

RUNTIME_VERSION: Final[Version] = (3, 13)
"""The template's Runtime."""


def find_interpreter(version: Version) -> Path | None:
    """An interpreter of that version: this one, or pythonX.Y on the PATH, also where pyenv keeps it behind a shim."""
    if sys.version_info[:2] == version:
        return Path(sys.executable)
    name = "python" + ".".join(map(str, version))
    for environment in ({**os.environ, "PYENV_VERSION": name.removeprefix("python")}, dict(os.environ)):
        if (found := _asked_itself(name, environment)) is not None:
            return found
    return None


def _asked_itself(name: str, environment: dict[str, str]) -> Path | None:
    """Where it really is: a shim needs its environment to find that out, what it stands for does not."""
    command = [name, "-I", "-c", "import sys; print(sys.executable)"]
    try:
        answer = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):  # not there, a shim for nothing, or broken
        return None
    return Path(answer.stdout.strip())
