"""Changes of what runs the pods: the Fargate profile, and CoreDNS as an add-on."""

import json
import time
from collections.abc import Callable
from typing import Any

from local.aws import eks_coredns
from local.aws.eks_state import Addon, FargateProfile
from local.faults.drift.change import Change, becomes, calls, gone, state
from local.faults.objects import CLUSTER_DNS
from local.faults.scene import OWNER_TAG, Scene

RUNNING = {"computeType": "Fargate"}
PODS_OF_CLUSTER_DNS = f"/api/v1/namespaces/{eks_coredns.NAMESPACE}/pods?labelSelector=k8s-app%3Dkube-dns"
UNHEALTHY = {"code": "InternalFailure", "message": "Something is wrong.", "resourceIds": []}


def profile(scene: Scene) -> FargateProfile:
    return scene.cluster.profiles["provisioner"]


def addon(scene: Scene) -> Addon:
    return scene.cluster.addons["coredns"]


def remove_profile(scene: Scene) -> None:
    scene.client("eks").delete_fargate_profile(clusterName=scene.cluster_name, fargateProfileName="provisioner")
    scene.until(lambda: not scene.cluster.profiles)


def make_profile_again(scene: Scene) -> None:
    """With pods that were made meanwhile, and wait for good: those that come later the new profile takes."""
    remove_profile(scene)
    scene.until(lambda: described(scene) == "DEGRADED" and all_wait(scene))
    make_profile(scene)


def all_wait(scene: Scene) -> bool:
    """Whether all replicas of CoreDNS have been told that nobody schedules them."""
    pods = (scene.get(PODS_OF_CLUSTER_DNS) or {"items": []})["items"]
    conditions = [each["status"].get("conditions", []) for each in pods if "deletionTimestamp" not in each["metadata"]]
    told = [any((each["type"], each["status"]) == ("PodScheduled", "False") for each in one) for one in conditions]
    return len(told) == eks_coredns.REPLICAS and all(told)


def make_profile_and_restart(scene: Scene) -> None:
    make_profile(scene)
    restart(scene)


def restart(scene: Scene) -> None:
    """As `kubectl rollout restart deployment coredns` does."""
    annotations = {"kubectl.kubernetes.io/restartedAt": str(time.time())}
    scene.patch(CLUSTER_DNS, {"spec": {"template": {"metadata": {"annotations": annotations}}}})
    scene.until(lambda: described(scene) == "ACTIVE")


def make_profile(scene: Scene) -> None:
    network, namespaces = (
        scene.payload["network"],
        dict.fromkeys(("default", "kube-system", scene.storage["namespace"])),
    )
    scene.client("eks").create_fargate_profile(
        fargateProfileName="provisioner",
        clusterName=scene.cluster_name,
        podExecutionRoleArn=f"arn:aws:iam::{scene.request['account_id']}:role/eks-efs-provisioner-fargate-pods",
        subnets=[subnet["subnet_id"] for subnet in network["private_subnets"]],
        selectors=[{"namespace": namespace} for namespace in namespaces],
        tags=scene.tags,
    )
    scene.until(lambda: profile(scene).status == "ACTIVE")


def described(scene: Scene) -> str:
    """The add-on's status as EKS tells it, once it has looked at the pods."""
    found = scene.client("eks").describe_addon(clusterName=scene.cluster_name, addonName="coredns")["addon"]
    return str(found["status"])


def remove_addon(scene: Scene) -> None:
    scene.client("eks").delete_addon(clusterName=scene.cluster_name, addonName="coredns")
    scene.until(lambda: not scene.cluster.addons)


def make_addon(scene: Scene) -> None:
    scene.client("eks").create_addon(
        clusterName=scene.cluster_name,
        addonName="coredns",
        configurationValues=json.dumps(RUNNING),
        resolveConflicts="OVERWRITE",
        tags=scene.tags,
    )
    scene.until(lambda: described(scene) == "ACTIVE")


def configure_addon(**values: Any) -> Callable[[Scene], None]:
    def update(scene: Scene) -> None:
        scene.client("eks").update_addon(
            clusterName=scene.cluster_name, addonName="coredns", configurationValues=json.dumps(values)
        )
        wanted = "ACTIVE" if values == RUNNING else "DEGRADED"
        scene.until(lambda: described(scene) == wanted)

    return update


PROFILE, ADDON = "Fargate profile provisioner", "add-on coredns"

CHANGES = (
    Change(
        "profile-gone",
        "the Fargate profile was deleted",
        "fargate_profile_drift.MISSING",
        PROFILE,
        "exists",
        calls(remove_profile, make_profile_and_restart),
        "profile",
    ),
    Change(
        "profile-deleting",
        "somebody is deleting the Fargate profile",
        "fargate_profile_drift.IN_PROGRESS",
        PROFILE,
        "status",
        state(profile, status="DELETING"),
        "profile",
        settle=lambda scene: scene.cluster.profiles.pop("provisioner"),
    ),
    Change(
        "profile-failed",
        "EKS gave the Fargate profile up",
        "fargate_profile_drift.FAILED",
        PROFILE,
        "status",
        state(profile, status="DELETE_FAILED", issues=[UNHEALTHY]),
        "profile",
    ),
    Change(
        "profile-without-kube-system",
        "the profile was made again without kube-system",
        "fargate_profile_drift.SELECTOR",
        PROFILE,
        "selectors.kube-system",
        lambda scene: state(
            profile, selectors=[each for each in profile(scene).selectors if each["namespace"] != "kube-system"]
        )(scene),
        "profile",
    ),
    Change(
        "profile-without-a-subnet",
        "the profile was made again without a subnet",
        "fargate_profile_drift.SUBNET",
        PROFILE,
        "subnets.{subnet}",
        lambda scene: state(
            profile,
            subnets=[
                each
                for each in profile(scene).subnets
                if each != scene.payload["network"]["private_subnets"][0]["subnet_id"]
            ],
        )(scene),
        "profile",
    ),
    Change(
        "profile-with-another-role",
        "the profile was made again with another role for its pods",
        "fargate_profile_drift.ROLE",
        PROFILE,
        "podExecutionRoleArn",
        state(profile, pod_execution_role_arn="arn:aws:iam::123456789012:role/another-teams"),
        "profile",
    ),
    Change(
        "profile-of-another",
        "the profile has lost its owner tag",
        "ownership.NOT_OURS",
        PROFILE,
        f"tags.{OWNER_TAG}",
        gone(lambda scene: profile(scene).tags, lambda _scene: OWNER_TAG),
        "profile",
    ),
    Change(
        "coredns-gone",
        "the CoreDNS add-on was deleted",
        "cluster_dns_drift.MISSING",
        ADDON,
        "exists",
        calls(remove_addon, make_addon),
        "add-on",
    ),
    Change(
        "coredns-updating",
        "somebody is updating the CoreDNS add-on",
        "cluster_dns_drift.IN_PROGRESS",
        ADDON,
        "status",
        state(addon, status="UPDATING"),
        "add-on",
        settle=becomes(addon, status="ACTIVE"),
    ),
    Change(
        "coredns-from-before",
        "the Fargate profile was deleted and made again by hand",
        "cluster_dns_drift.FROM_BEFORE",
        ADDON,
        "status",
        calls(make_profile_again, restart),
        "profile",
        is_alone=True,
    ),
    Change(
        "coredns-unwell",
        "an update of the CoreDNS add-on failed",
        "cluster_dns_drift.UNWELL",
        ADDON,
        "status",
        state(addon, status="UPDATE_FAILED", issues=[UNHEALTHY]),
        "add-on",
    ),
    Change(
        "coredns-for-nodes",
        "CoreDNS is configured for EC2 nodes",
        "cluster_dns_drift.CONFIGURATION_CHANGED",
        ADDON,
        "configurationValues.computeType",
        calls(configure_addon(computeType="ec2"), configure_addon(**RUNNING)),
        "add-on",
    ),
    Change(
        "coredns-of-another",
        "the CoreDNS add-on has lost its owner tag",
        "ownership.NOT_OURS",
        ADDON,
        f"tags.{OWNER_TAG}",
        gone(lambda scene: addon(scene).tags, lambda _scene: OWNER_TAG),
        "add-on",
    ),
)
