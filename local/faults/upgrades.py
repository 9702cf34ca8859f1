"""Faults of upgrades: of a cluster that a run finds at an older version than it asks for."""

from collections.abc import Callable

from local.aws import eks_insights, eks_upgrades
from local.aws.eks_rules import OFFERED_VERSIONS
from local.aws.eks_state import clusters_of
from local.aws.hooks import Undo
from local.cloud import EmbeddedCloud
from local.faults.control_plane import fill_subnet
from local.faults.fault import Fault, Strike, before
from local.faults.scene import Scene

RUNNING, WANTED = OFFERED_VERSIONS[-2:]
REQUEST = {
    "cluster": {"version": WANTED},
    # The proof of the older version is to succeed, on however busy a machine.
    "verification": {"writers": 1, "lines_per_writer": 1, "timeout_seconds": 300},
}


def is_older(scene: Scene) -> bool:
    """The cluster that the run has asked for is one of the version before: it was somebody else who made it."""
    if scene.cluster_name not in clusters_of(str(scene.request["account_id"]), scene.region):
        return False
    scene.cluster.version = RUNNING
    return True


def in_a_step(act: Callable[[Scene], object]) -> Strike:
    """Strikes when the proof of the older version is through, and the upgrade about to begin."""

    def strike(cloud: EmbeddedCloud, cluster_name: str | None) -> Undo:
        def begin(scene: Scene) -> bool:
            if not scene.payload["upgrade"]["to"]:
                return False
            act(scene)
            return True

        disarm = [before("Ensure cluster", is_older)(cloud, cluster_name)]
        disarm.append(before("Ensure cluster", begin)(cloud, cluster_name))

        def undo() -> None:
            for each in disarm:
                each()
            eks_insights.DEPRECATED.pop(str(cluster_name), None)
            eks_upgrades.TROUBLED.discard(str(cluster_name))

        return undo

    return strike


def use_a_deprecated_api(scene: Scene) -> None:
    eks_insights.DEPRECATED[scene.cluster_name] = ("/apis/example/v1beta1/things", WANTED)


def trouble(scene: Scene) -> None:
    eks_upgrades.TROUBLED.add(scene.cluster_name)


FAULTS = (
    Fault(
        "deprecated-api",
        "a client of the cluster asks for an API that its next version does not have",
        "upgrade-not-ready",
        in_a_step(use_a_deprecated_api),
        request=REQUEST,
    ),
    Fault(
        "upgrade-without-addresses",
        "a private subnet is full when the cluster is upgraded",
        "subnet-full",
        in_a_step(fill_subnet),
        request={**REQUEST, "network": {"cidr": "10.20.0.0/24"}},
    ),
    Fault(
        "upgrade-failed",
        "EKS does not get the upgrade done",
        "upgrade-failed",
        in_a_step(trouble),
        request=REQUEST,
    ),
)
