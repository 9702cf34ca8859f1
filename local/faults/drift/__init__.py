"""What is done to a proven cluster behind the program's back: every difference that an inspection can tell of.

`CHANGES[name].make(scene)` makes it; what it gives undoes it.
"""

from local.faults.drift import (
    accounts,
    cluster,
    fargate,
    file_system,
    functions,
    health,
    identities,
    lent,
    mount_targets,
    network,
    objects,
    peer,
    speed,
    tags,
    volumes,
)
from local.faults.drift.change import Change, names_of

CHANGES: dict[str, Change] = {
    change.name: change
    for part in (
        network,
        cluster,
        health,
        identities,
        fargate,
        functions,
        file_system,
        mount_targets,
        objects,
        volumes,
        peer,
        lent,
        speed,
        tags,
        accounts,
    )
    for change in part.CHANGES
}

__all__ = ["CHANGES", "Change", "names_of"]
