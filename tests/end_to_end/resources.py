"""What exists in the embedded account for one cluster, by kind; and what the app called."""

import json
import urllib.request
from collections import Counter
from collections.abc import Iterable
from typing import Any

from local.aws.eks_state import clusters_of
from local.cloud import EmbeddedCloud
from local.kubernetes.certificates import client_context
from local.kubernetes.interfaces import ControlPlane
from provisioner.request import OWNER_TAG

FIELD_MANAGER = "eks-efs-provisioner"
READING = ("Describe", "Get", "List", "Head", "Lookup", "Scan", "Search", "Simulate")
STORAGE_PATHS = (
    "/apis/storage.k8s.io/v1/csidrivers",
    "/apis/storage.k8s.io/v1/storageclasses",
    "/api/v1/persistentvolumes",
    "/api/v1/persistentvolumeclaims",
    "/api/v1/namespaces",
    "/api/v1/pods",
    "/apis/apps/v1/deployments",
)


def everything(cloud: EmbeddedCloud, cluster: str) -> dict[str, list[str]]:
    """Ids by kind, sorted: all that carries the cluster's owner tag, or hangs on what does."""
    ec2, eks, efs = cloud.client("ec2"), cloud.client("eks"), cloud.client("efs")
    owned = [{"Name": f"tag:{OWNER_TAG}", "Values": [cluster]}]
    stacks = everything_of(cloud.client("cloudformation"), "describe_stacks", "Stacks")
    file_systems = [
        each["FileSystemId"]
        for each in everything_of(efs, "describe_file_systems", "FileSystems")
        if {"Key": OWNER_TAG, "Value": cluster} in each["Tags"]
    ]
    found = {
        "network stack": [s["StackId"] for s in stacks if {"Key": OWNER_TAG, "Value": cluster} in s.get("Tags", [])],
        "vpc": [vpc["VpcId"] for vpc in ec2.describe_vpcs(Filters=owned)["Vpcs"]],
        "cluster": [name for name in everything_of(eks, "list_clusters", "clusters") if name == cluster],
        "access entry": eks.list_access_entries(clusterName=cluster)["accessEntries"],
        "Fargate profile": eks.list_fargate_profiles(clusterName=cluster)["fargateProfileNames"],
        "add-on": eks.list_addons(clusterName=cluster)["addons"],
        "security group": [g["GroupId"] for g in ec2.describe_security_groups(Filters=owned)["SecurityGroups"]],
        "file system": file_systems,
        "mount target": [
            target["MountTargetId"]
            for each in file_systems
            for target in efs.describe_mount_targets(FileSystemId=each)["MountTargets"]
        ],
    }
    return {kind: sorted(ids) for kind, ids in found.items()}


def everything_of(client: Any, operation: str, key: str) -> list[Any]:
    """Of all pages: other tests have left their clusters in the account."""
    return [each for page in client.get_paginator(operation).paginate() for each in page[key]]


def storage_objects(cloud: EmbeddedCloud, cluster: str) -> dict[str, Any]:
    """Kubernetes objects by path and name: uid, what was asked for, and what we own in it since when.

    Not the resourceVersion: the cluster's own controllers write status whenever they like.
    """
    plane = clusters_of(cloud.account_id, cloud.region)[cluster].control_plane
    assert plane is not None
    return {
        f"{path}/{item['metadata']['name']}": (
            item["metadata"]["uid"],
            item["metadata"].get("labels"),
            item["metadata"].get("annotations"),
            {key: value for key, value in item.items() if key not in ("metadata", "status")},
            [entry for entry in item["metadata"].get("managedFields", []) if entry["manager"] == FIELD_MANAGER],
        )
        for path in STORAGE_PATHS
        for item in get_json(plane, path)["items"]
    }


def get_json(plane: ControlPlane, path: str) -> Any:
    headers = {"Authorization": f"Bearer {plane.admin_token}"}
    request = urllib.request.Request(plane.url + path, headers=headers)  # noqa: S310 - our own control plane's address
    context = client_context(plane.ca_pem)
    with urllib.request.urlopen(request, timeout=30, context=context) as response:  # noqa: S310
        return json.load(response)


def mutating(calls: Iterable[str]) -> Counter[str]:
    """`service:Action` of every call that is not a look."""
    return Counter(call for call in calls if not call.split(":")[1].startswith(READING))
