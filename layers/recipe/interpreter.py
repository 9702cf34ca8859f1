"""The Python that Lambda runs, and one like it on this host: `python3 -m layers.recipe.interpreter` is what make takes.

Python 3.8 is enough to run this module: one that is too old for everything else still finds a newer one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

RUNTIME_VERSION: Final = (3, 13)
"""The template's Runtime."""
OLDEST_VERSION: Final = (3, 11)
"""With which everything but Lambda itself works too."""


def find_interpreter(version: tuple[int, int]) -> Path | None:
    """An interpreter of that version: this one, or pythonX.Y on the PATH, also where pyenv keeps it behind a shim."""
    if sys.version_info[:2] == version:
        return Path(sys.executable)
    name = "python" + _text(version)
    for environment in ({**os.environ, "PYENV_VERSION": _text(version)}, dict(os.environ)):
        if (found := _asked_itself(name, environment)) is not None:
            return found
    # pyenv's own folder, for who has not put its shims on the PATH.
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    kept = sorted(pyenv.glob(f"versions/{_text(version)}.*/bin/{name}"))
    return next((found for path in kept if (found := _asked_itself(str(path), dict(os.environ)))), None)


def best_interpreter() -> Path | None:
    """What everything here is run with: the runtime's own version where there is one, else this one if it will do."""
    this = Path(sys.executable) if sys.version_info[:2] >= OLDEST_VERSION else None
    return find_interpreter(RUNTIME_VERSION) or this


def _asked_itself(name: str, environment: dict[str, str]) -> Path | None:
    """Where it really is: a shim needs its environment to find that out, what it stands for does not."""
    command = [name, "-I", "-c", "import sys; print(sys.executable)"]
    try:
        answer = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):  # not there, a shim for nothing, or broken
        return None
    return Path(answer.stdout.strip())


def _text(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def main(arguments: list[str]) -> int:
    """No argument: the best one. `X.Y`: one of that version. `--check [COMMAND]`: see `_kept`."""
    if arguments[:1] == ["--check"]:
        print(_kept(arguments[1:]), end="")
        return 0
    asked = tuple(map(int, arguments[0].split("."))) if arguments else None
    found = find_interpreter((asked[0], asked[1])) if asked else best_interpreter()
    print(found or "", end="")
    return 0 if found else 1


def _kept(asked: list[str]) -> str:
    """What to say when the environment that this runs in was made by another Python than the one wanted now."""
    name, this = Path(sys.prefix).name, _text(sys.version_info[:2])
    if asked:
        command = [asked[0], "-c", "import sys; print(*sys.version_info[:2])"]
        try:
            said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        except (OSError, subprocess.SubprocessError):
            return f"{asked[0]} is no Python that runs here; {name} is kept, which was made with Python {this}\n"
        wanted = tuple(map(int, said.split()))
    else:
        wanted = RUNTIME_VERSION if find_interpreter(RUNTIME_VERSION) else sys.version_info[:2]
    if wanted == sys.version_info[:2]:
        return ""
    return f"{name} was made with Python {this} and is kept; after `make clean` it is made with {_text(wanted)}\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
