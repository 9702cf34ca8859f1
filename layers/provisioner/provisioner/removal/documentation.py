"""docs/obstacles.md, from the kinds of obstacles: `python -m provisioner.removal.documentation > docs/obstacles.md`."""

from typing import Final

from provisioner.removal.obstacles import (
    of_cluster,
    of_connections,
    of_file_system,
    of_network,
    of_objects,
    of_stack,
    of_tags,
)
from provisioner.removal.obstacles.model import Kind

KINDS: Final[tuple[Kind, ...]] = (
    *of_tags.KINDS,
    *of_cluster.KINDS,
    *of_objects.KINDS,
    *of_file_system.KINDS,
    *of_stack.KINDS,
    *of_connections.KINDS,
    *of_network.KINDS,
)

_HEAD: Final = """\
# What is in the way of a removal

Generated from the code by `python -m provisioner.removal.documentation`; a test keeps it current.

A removal takes only what carries the cluster's owner tag. What others have put in the way is looked up before anything
is removed, all of it is named at once, and none of it is touched; `mode: plan` shows the same. When a removal fails on
its way, it is looked up again. Remove what is in the way, or have it removed, and start the removal again.

| rule | what is there, and what it holds up | most likely of | what to do | known from |
|---|---|---|---|---|
"""


def markdown() -> str:
    return _HEAD + "".join(map(_row, KINDS))


def _row(kind: Kind) -> str:
    cells = (f"`{kind.rule}`", f"{kind.what}, and {kind.holds}", kind.owner, kind.fix, kind.source)
    return f"| {' | '.join(map(_cell, cells))} |\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    print(markdown(), end="")
