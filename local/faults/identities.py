"""Faults of identities that look right: roles under an ARN that was another's, entries that mean nobody any more."""

import time
import uuid
from collections.abc import Callable

from moto.core.utils import utcnow

from local.aws.hooks import Undo
from local.aws.permissions import identity
from local.faults.fault import Act, Fault, before
from local.faults.scene import Scene

PREFIX = "eks-efs-provisioner-"


def role_arn(scene: Scene, purpose: str) -> str:
    return f"arn:aws:iam::{scene.request['account_id']}:role/{PREFIX}{purpose}"


def make_again(principal: Callable[[Scene], str]) -> Callable[[Scene], Undo]:
    """What it comes to that a role or user is deleted and made again with everything that it had: another id, younger.

    It happens as a second begins, for IAM counts in seconds, and people take longer.
    """

    def make(scene: Scene) -> Undo:
        found = identity.find(principal(scene))
        assert found is not None, "it can only be made again if it is there"  # noqa: S101
        before = found.id, found.create_date
        time.sleep(1 - time.time() % 1)
        found.id, found.create_date = f"{found.id[:4]}{uuid.uuid4().hex[:17].upper()}", utcnow().replace(microsecond=0)

        def undo() -> None:
            found.id, found.create_date = before

        return undo

    return make


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
