"""What has the name of something of ours and is somebody else's, or has lost its tag."""

from provisioner.fields import OWNER_TAG
from provisioner.removal.obstacles.model import Kind, Obstacle

NOT_OURS = Kind(
    rule="not-ours",
    what="{kind} {name} does not carry the tag {tag}={cluster}",
    holds="a removal takes only what carries it",
    owner="whoever made it, or took its tag away",
    looked_at="its tags",
    fix="if it is this cluster's, tag it {tag}={cluster}; if it is not, choose which of the two is to have the name",
    source="this project's contract: what is found without the owner tag is never changed or removed",
)
KINDS = (NOT_OURS,)


def found(kind: str, name: str, cluster: str, owner: str | None) -> Obstacle:
    """`owner` is what the tag says instead."""
    saw = f"{OWNER_TAG} of {name} is {owner!r}"
    return NOT_OURS.found(saw, kind=kind, name=name, tag=OWNER_TAG, cluster=cluster)
