"""Where the repository's files are."""

from pathlib import Path

_PACKED = Path(__file__).resolve().parent / "repository"
ROOT = _PACKED if _PACKED.is_dir() else _PACKED.parents[1]
"""The repository; of an installed package the files of it that are packed with it (pyproject.toml)."""
