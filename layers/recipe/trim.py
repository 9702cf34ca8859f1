"""What is left out of the dependency layer: three quarters of it are generated code for what we never speak to."""

import shutil
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Final

# Relative to the folder that is put on sys.path. Every pattern must match something: a new release that moves things is
# noticed by the build, not by the size.
UNUSED: Final = (
    # Nothing here speaks typed Kubernetes (KINDS in kubernetes/dynamic.py), asyncio, kubeconfig, exec or leases.
    *("kubernetes/aio", "kubernetes/client/api", "kubernetes/client/apis", "kubernetes/client/models/[!_]*.py"),
    *("kubernetes/config", "kubernetes/informer", "kubernetes/leaderelection", "kubernetes/stream"),
    *("kubernetes/*/*_test.py", "kubernetes/*/test_*.py"),
    # boto3's resources and the examples in docstrings; clients need neither.
    *("boto3/data", "boto3/examples", "botocore/data/*/*/examples-1.json*"),
    # Answers to HTTP events, with a web page that documents them.
    "aws_lambda_powertools/event_handler",
    # For their own tests.
    *("certifi/tests", "securesystemslib/_vendor/ed25519/test_data"),
    # For type checkers and compilers.
    *("**/py.typed", "**/*.pyi", "**/*.c", "wrapt-stubs"),
    # Console scripts.
    "bin",
)
# Of a package's metadata this is what says name and version: to importlib.metadata, and to what scans the functions for
# known vulnerabilities (Amazon Inspector user guide, "Lambda standard scanning").
KEPT_METADATA: Final = "METADATA"


class NothingMatchesError(Exception):
    """The packages are laid out differently than the trimming believes."""


def trim(packages: Path, services: Set[str]) -> None:
    """Remove from `packages` what nothing imports, and of botocore's API models all but the newest of `services`.

    Raises: NothingMatchesError for a pattern, or a service that botocore does not know.
    """
    for pattern in UNUSED:
        found = list(packages.glob(pattern))
        if not found:
            raise NothingMatchesError(f"{pattern} matches nothing")
        for path in found:
            _remove(path)
    for path in packages.glob("*.dist-info/*"):
        if path.name != KEPT_METADATA:
            _remove(path)
    for path in _unused_models(packages / "botocore" / "data", services):
        _remove(path)
    _remove_empty_folders(packages)


def _unused_models(data: Path, services: Set[str]) -> Iterator[Path]:
    """Older versions too: botocore takes the newest unless it is asked for another."""
    models = {folder.name: sorted(folder.iterdir()) for folder in data.iterdir() if folder.is_dir()}
    if unknown := services - models.keys():
        raise NothingMatchesError(f"botocore has no model of {', '.join(sorted(unknown))}")
    for service, versions in models.items():
        yield from versions[:-1] if service in services else [data / service]


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def _remove_empty_folders(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
