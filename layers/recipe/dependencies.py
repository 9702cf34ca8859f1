"""The dependency layer: third-party packages, locked with hashes, without the parts that nothing here imports."""

import subprocess
import sys
from pathlib import Path
from typing import Final

from layers.recipe.interpreter import RUNTIME_VERSION
from layers.recipe.sources import FUNCTIONS, PROVISIONER, ROOT, aws_services
from layers.recipe.trim import trim

REQUIREMENTS: Final = ROOT / "layers" / "dependencies" / "requirements.txt"
# Wheels for the Lambda runtime on arm64, whatever host this is. Amazon Linux 2023 has glibc 2.34.
FOR_LAMBDA: Final = (
    *("--implementation", "cp", "--python-version", ".".join(map(str, RUNTIME_VERSION))),
    *("--platform", "manylinux2014_aarch64", "--platform", "manylinux_2_28_aarch64"),
)

INSTALL: Final = (
    *("install", "--quiet", "--disable-pip-version-check", "--root-user-action=ignore", "--no-compile"),
    *("--require-hashes", "--no-deps", "--only-binary=:all:"),
)


def build_dependencies(folder: Path, interpreter: Path | None = None) -> None:
    """Put the packages under <folder>/python: for Lambda, or for an interpreter of this host.

    The second is for the tests, which cannot import arm64 binaries: the same requirements, the same trimming.
    Raises: CalledProcessError when pip fails; UnknownServiceError.
    """
    target = folder / "python"
    pip = (sys.executable, "-m", "pip")
    install = (*pip, *INSTALL, *FOR_LAMBDA) if interpreter is None else (*pip, "--python", str(interpreter), *INSTALL)
    subprocess.run([*install, "--target", str(target), "--requirement", str(REQUIREMENTS)], check=True)
    trim(target, aws_services(FUNCTIONS, PROVISIONER))
