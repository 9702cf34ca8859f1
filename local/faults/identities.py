"""Faults of identities that look right: roles under an ARN that was another's, entries that mean nobody any more."""

import datetime
from collections.abc import Callable, Mapping
from typing import Any

from local.aws.eks_state import AccessEntry
from local.aws.hooks import Undo
from local.aws.permissions import identity
from local.faults.fault import Act, Fault, before
from local.faults.scene import Scene

AGE = datetime.timedelta(days=1)
PREFIX = "eks-efs-provisioner-"


def role_arn(scene: Scene, purpose: str) -> str:
    return f"arn:aws:iam::{scene.request['account_id']}:role/{PREFIX}{purpose}"


def make_again(principal: Callable[[Scene], str]) -> Callable[[Scene], Undo]:
    """As this one cluster sees it that a role or user was deleted and made again: its entry means an earlier one.

    The other clusters of the account go on undisturbed.
    """

    def make(scene: Scene) -> Undo:
        arn = principal(scene)
        found, cluster = identity.find(arn), scene.cluster
        assert found is not None, "it can only be made again if it is there"  # noqa: S101
        scene.until(lambda: arn in cluster.effective_entries)
        changed = {"principal_id": f"{found.id[:4]}EARLIER", "created_at": found.create_date - AGE}
        undos = [_change(each, changed) for each in (cluster.access_entries[arn], cluster.effective_entries[arn])]

        def undo() -> None:
            for each in undos:
                each()

        return undo

    return make


def _change(entry: AccessEntry, values: Mapping[str, Any]) -> Undo:
    before = {name: getattr(entry, name) for name in values}
    vars(entry).update(values)
    return lambda: vars(entry).update(before)


def struck(make: Callable[[Scene], object]) -> Act:
    """As a fault, which nobody undoes."""

    def strike(scene: Scene) -> None:
        make(scene)

    return strike


def remove_pods_entry(scene: Scene) -> None:
    arn = role_arn(scene, "fargate-pods")
    scene.client("eks").delete_access_entry(clusterName=scene.cluster_name, principalArn=arn)
    scene.until(lambda: arn not in scene.cluster.effective_entries)


FAULTS = (
    Fault(
        "provisioner-made-again",
        "the provisioner's role was deleted and made again after it got its access entry",
        "access-entry-missing",
        before("Apply storage", struck(make_again(lambda scene: role_arn(scene, "provisioner")))),
    ),
    Fault(
        "pods-role-made-again",
        "the pod execution role was deleted and made again",
        "pod-execution-role-unknown",
        before("Apply storage", struck(make_again(lambda scene: role_arn(scene, "fargate-pods")))),
    ),
    Fault(
        "pods-entry-missing",
        "the access entry of the pod execution role was deleted",
        "pod-execution-role-unknown",
        before("Apply storage", remove_pods_entry),
    ),
)
