"""How large the built layers and functions are, and how large they may be.

`python -m tests.artifacts.sizes` prints a table and fails when one is too large.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from local.aws.deploy import zipped
from tests.artifacts import built

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Size:
    """In bytes; zipped as `sam package` does it."""

    unzipped: int
    zipped: int

    def within(self, limit: "Size") -> bool:
        return self.unzipped <= limit.unzipped and self.zipped <= limit.zipped


# What Lambda loads at a cold start. AWS's own limits (250 MB with all layers, 50 MB zipped) are far away: these keep
# what nobody imports from coming back unnoticed.
LAYER_LIMITS = {
    built.DEPENDENCIES: Size(60 * MEGABYTE, 16 * MEGABYTE),
    "ProvisionerLayer": Size(4 * MEGABYTE, 2 * MEGABYTE),
}
FUNCTION_LIMIT = Size(MEGABYTE // 100, MEGABYTE // 100)


def size_of(folder: Path) -> Size:
    unzipped = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Size(unzipped, len(zipped(folder)))


def limits() -> dict[str, Size]:
    return {name: LAYER_LIMITS[name] for name in built.layers()} | dict.fromkeys(built.functions(), FUNCTION_LIMIT)


def too_large(sizes: Mapping[str, Size], allowed: Mapping[str, Size]) -> list[str]:
    return [name for name, size in sizes.items() if not size.within(allowed[name])]


def table(sizes: Mapping[str, Size], allowed: Mapping[str, Size]) -> Table:
    shown = Table("", box=None, header_style="dim")
    for column in ("unzipped", "limit", "zipped", "limit"):
        shown.add_column(column, justify="right")
    for name, size in sizes.items():
        limit = allowed[name]
        numbers = (size.unzipped, limit.unzipped, size.zipped, limit.zipped)
        shown.add_row(
            name,
            *map(decimal, numbers),
            style=None if size.within(limit) else "bold red",
        )
    return shown


def main() -> int:
    sizes = {name: size_of(folder) for name, folder in (built.layers() | built.functions()).items()}
    allowed = limits()
    Console(width=100).print(table(sizes, allowed))
    for name in (wrong := too_large(sizes, allowed)):
        print(f"{name} is larger than it may be", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
