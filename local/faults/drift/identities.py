"""Roles and users that are not those any more that the cluster knows by their ARNs."""

from collections.abc import Callable
from typing import Any

from moto.iam.models import iam_backends

from local.aws.eks_state import AccessEntry
from local.aws.hooks import Undo
from local.aws.permissions import identity
from local.faults.drift.change import Change, Make, calls, gone, state
from local.faults.drift.cluster import ACCESS, Principal, person, role
from local.faults.identities import make_again, remove_pods_entry
from local.faults.scene import Scene

pods = role("fargate-pods")


def make_pods_entry(scene: Scene) -> None:
    arn = pods(scene)
    scene.client("eks").create_access_entry(clusterName=scene.cluster_name, principalArn=arn, type="FARGATE_LINUX")
    scene.until(lambda: arn in scene.cluster.effective_entries)


def entry_of(principal: Principal) -> Callable[[Scene], AccessEntry]:
    return lambda scene: scene.cluster.access_entries[principal(scene)]


def removed(principal: Principal) -> Make:
    """Undone, it is the same role again."""

    def id_of(scene: Scene) -> str:
        found = identity.find(principal(scene))
        assert found is not None, "it can only be removed if it is there"  # noqa: S101
        return str(found.id)

    def roles(scene: Scene) -> dict[str, Any]:
        return iam_backends[str(scene.request["account_id"])]["aws"].roles

    return gone(roles, id_of)


def both(*changes: Make) -> Make:
    def make(scene: Scene) -> Undo:
        undos = [change(scene) for change in changes]

        def undo() -> None:
            for each in undos:
                each()

        return undo

    return make


CHANGES = (
    Change(
        "person-made-again",
        "the administrator's role was deleted and made again",
        "cluster_access_drift.MADE_AGAIN",
        ACCESS + "{person}",
        "principal",
        make_again(person),
        "person",
        of_kubernetes=True,
    ),
    Change(
        "person-of-another-made-again",
        "somebody made the administrator's access entry anew, and then the role was deleted and made again",
        "cluster_access_drift.MADE_AGAIN_AT_OTHERS",
        ACCESS + "{person}",
        "principal",
        both(state(entry_of(person), tags={}), make_again(person)),
        "person",
        of_kubernetes=True,
    ),
    Change(
        "person-gone",
        "the administrator's role was deleted",
        "cluster_access_drift.GONE",
        ACCESS + "{person}",
        "principal",
        removed(person),
        "person",
        of_kubernetes=True,
    ),
    Change(
        "pods-role-made-again",
        "the pod execution role was deleted and made again",
        "pods_access_drift.MADE_AGAIN",
        ACCESS + "{pods}",
        "principal",
        make_again(pods),
        "pods",
        of_kubernetes=True,
    ),
    Change(
        "pods-role-gone",
        "the pod execution role was deleted",
        "pods_access_drift.GONE",
        ACCESS + "{pods}",
        "principal",
        removed(pods),
        "pods",
    ),
    Change(
        "pods-locked-out",
        "the access entry of the pod execution role was deleted",
        "pods_access_drift.MISSING",
        ACCESS + "{pods}",
        "exists",
        calls(remove_pods_entry, make_pods_entry),
        "pods",
        of_kubernetes=True,
    ),
    Change(
        "pods-as-a-person",
        "somebody made the pod execution role's access entry anew, as that of a person",
        "pods_access_drift.OTHER_TYPE",
        ACCESS + "{pods}",
        "type",
        state(entry_of(pods), type="STANDARD"),
        "pods",
    ),
    Change(
        "boundary-taken-off",
        "somebody took the permissions boundary off the cluster's role",
        "role_boundary_drift.BOUNDARY",
        "role arn:aws:iam::*:role/*-cluster",
        "permissionsBoundary",
        state(lambda scene: identity.find(scene.cluster.role_arn), permissions_boundary_arn=None),
        "roles",
        under_a_boundary=True,
    ),
)
