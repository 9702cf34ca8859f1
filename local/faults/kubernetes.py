"""Faults inside the cluster: objects, pods that Fargate refuses, profiles and access."""

import threading
from typing import Any

from botocore.exceptions import ClientError

from local.faults import objects
from local.faults.fault import Act, Fault, before
from local.faults.scene import Scene


def give_pods_the_hosts_network(scene: Scene) -> bool | None:
    """An agent's installer patches Deployments, also the verification's; new pods then ask for what Fargate lacks."""
    namespace = scene.storage["namespace"]
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    found = (scene.get(path) or {"items": []})["items"]
    names = [each["metadata"]["name"] for each in found if each["metadata"]["name"].startswith("verification-")]
    if not names:
        return False
    for name in names:
        scene.patch(f"{path}/{name}", {"spec": {"template": {"spec": {"hostNetwork": True}}}})
    pods = f"/api/v1/namespaces/{namespace}/pods"
    scene.until(lambda: any(each["spec"].get("hostNetwork") for each in (scene.get(pods) or {"items": []})["items"]))
    return None


def replace_profiles(*namespaces: str) -> Act:
    """Profiles cannot be changed: they are deleted, and one with other selectors is made in their place."""

    def replace(scene: Scene) -> None:
        eks, name = scene.client("eks"), scene.cluster_name
        (old,) = eks.list_fargate_profiles(clusterName=name)["fargateProfileNames"]
        profile = eks.describe_fargate_profile(clusterName=name, fargateProfileName=old)["fargateProfile"]
        eks.delete_fargate_profile(clusterName=name, fargateProfileName=old)
        # Deleting takes minutes on AWS, and only one profile at a time may be on its way.
        threading.Thread(target=make, args=(scene, eks, name, profile), daemon=True).start()

    def make(scene: Scene, eks: Any, cluster_name: str, old: dict[str, Any]) -> None:
        def made() -> bool:
            try:
                eks.create_fargate_profile(
                    clusterName=cluster_name,
                    fargateProfileName="another-teams",
                    podExecutionRoleArn=old["podExecutionRoleArn"],
                    subnets=old["subnets"],
                    selectors=[{"namespace": namespace} for namespace in namespaces],
                )
            except ClientError as error:
                if error.response["Error"]["Code"] != "ResourceInUseException":
                    raise
                return False
            return True

        scene.until(made, patience_seconds=600)

    return replace


def beside_cluster_dns(act: Act) -> Act:
    """Once CoreDNS has been installed, which goes on beside the proof and would otherwise be anywhere."""

    def strike(scene: Scene) -> bool | None:
        scene.until(lambda: scene.get(objects.CLUSTER_DNS) is not None)
        return act(scene)

    return strike


def remove_access_entry(scene: Scene) -> None:
    eks, name = scene.client("eks"), scene.cluster_name
    for principal in eks.list_access_entries(clusterName=name)["accessEntries"]:
        if principal.endswith("-provisioner"):
            eks.delete_access_entry(clusterName=name, principalArn=principal)


FAULTS = (
    Fault(
        "csi-driver-missing",
        "the CSIDriver object was deleted, as removing the EFS add-on does",
        "csi-driver-missing",
        before("Verify storage", objects.remove_csi_driver),
    ),
    Fault(
        "csi-driver-attach-required",
        "the CSIDriver object asks for an attacher",
        "csi-driver-requires-attacher",
        before("Verify storage", objects.replace_csi_driver),
    ),
    Fault(
        "persistent-volume-released",
        "the claim was deleted and made anew: its volume is Released",
        "claim-not-bound",
        before("Verify storage", objects.replace_claim),
    ),
    Fault(
        "persistent-volume-bound-elsewhere",
        "another claim has the volume",
        "claim-not-bound",
        before("Verify storage", objects.give_volume_to_another),
    ),
    Fault(
        "storage-class-mismatch",
        "the claim names another StorageClass than the volume",
        "claim-not-bound",
        before("Verify storage", lambda scene: objects.replace_claim(scene, storageClassName="gp2")),
    ),
    Fault(
        "unsupported-pod",
        "pods ask for the host's network, which Fargate does not give",
        "pod-not-supported",
        before("Verify storage", give_pods_the_hosts_network),
    ),
    Fault(
        "fargate-profile-selectors",
        "no Fargate profile selects the pods any more",
        "no-matching-profile",
        before("Verify storage", beside_cluster_dns(replace_profiles("kube-system", "another-team"))),
    ),
    Fault(
        "add-on-degraded",
        "no Fargate profile selects kube-system, so CoreDNS has no replicas",
        "addon-degraded",
        before("Ensure cluster DNS", replace_profiles("default", "storage-*")),
        request={"verification": {"timeout_seconds": 300}},
    ),
    Fault(
        "access-entry-missing",
        "the provisioner's access entry was deleted",
        "access-entry-missing",
        before("Verify storage", remove_access_entry),
    ),
)
