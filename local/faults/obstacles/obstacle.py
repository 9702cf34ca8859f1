"""What others put in the way of a removal, and how it is put there and taken away again."""

from collections.abc import Callable
from dataclasses import dataclass

from local.aws.hooks import Undo
from local.faults.scene import Scene


@dataclass(frozen=True)
class Placed:
    """`identifiers`: what somebody who removes ours has to name, and to leave alone.

    `remove` takes it away, as who made it would, and fails when somebody else has touched it.
    """

    identifiers: tuple[str, ...]
    remove: Undo


Place = Callable[[Scene], Placed]


@dataclass(frozen=True)
class Obstacle:
    """Something of somebody else's without our tags. `holds`: what of ours cannot go while it is there."""

    name: str
    description: str
    holds: str
    """network, security group, cluster, file system, stack; nothing: it stays, and holds nothing."""
    source: str
    """Where it is known from."""
    place: Place

    def put(self, scene: Scene) -> Placed:
        """Puts it there, in a cluster that is ready."""
        return self.place(scene)
