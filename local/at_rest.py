"""When all that goes by itself in the embedded cloud has gone: pods after their Deployment, nodes and interfaces after
their pod, what EKS made in EC2 after its cluster.

Each is on its way before what it follows has gone: whoever looks in this order misses none.
"""

import time
import urllib.error
from collections.abc import Set
from typing import Any

from local.aws import eks_objects
from local.aws.eks_state import all_clusters
from local.cloud import EmbeddedCloud
from local.kubernetes.interfaces import ControlPlane

PATIENCE_SECONDS, POLL_SECONDS = 300.0, 0.02
_FOLLOWED = ("/apis/apps/v1/deployments", "/apis/apps/v1/replicasets", "/api/v1/pods")
"""Owners before what they own."""


def wait_until_at_rest(cloud: EmbeddedCloud) -> None:
    """Returns at once when nothing is on its way. Raises: TimeoutError."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not _is_at_rest(cloud):
        if time.monotonic() > deadline:
            raise TimeoutError(f"something is still on its way after {PATIENCE_SECONDS:g} s")
        time.sleep(POLL_SECONDS)


def _is_at_rest(cloud: EmbeddedCloud) -> bool:
    """What AWS does later may take a Deployment away, and what its pods had goes later again."""
    return (
        not cloud.clock.has_to_come()
        and all(
            _nothing_leaves(cluster.control_plane, cloud.pods_on_fargate(cluster))
            for cluster in all_clusters()
            if cluster.control_plane is not None
        )
        and not cloud.clock.has_to_come()
    )


def _nothing_leaves(plane: ControlPlane, on_fargate: Set[str]) -> bool:
    """`on_fargate`: the pods that have a node, or had one a moment ago."""
    try:
        found = [each for path in _FOLLOWED for each in eks_objects.listed(plane, path)]
    except (urllib.error.URLError, ConnectionError):  # it is being taken down
        return False
    there = {each["metadata"]["uid"] for each in found}
    return on_fargate <= there and not any(_leaves(each["metadata"], there) for each in found)


def _leaves(metadata: dict[str, Any], there: Set[str]) -> bool:
    owners = metadata.get("ownerReferences") or []
    return "deletionTimestamp" in metadata or any(
        each["uid"] not in there for each in owners if each["kind"] in ("Deployment", "ReplicaSet")
    )
