"""The provisioner layer: our package as it is."""

import shutil
from pathlib import Path

from layers.recipe.sources import PROVISIONER


def build_provisioner(folder: Path) -> None:
    """Put the package under <folder>/python; `folder` must not have one yet."""
    shutil.copytree(PROVISIONER, folder / "python" / PROVISIONER.name, ignore=shutil.ignore_patterns("__pycache__"))
