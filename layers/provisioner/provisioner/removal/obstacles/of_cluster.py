"""What keeps EKS from deleting the cluster."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from provisioner.removal.obstacles.model import Kind, Obstacle
from provisioner.request import Request
from provisioner.resources import cluster, fargate_profile

if TYPE_CHECKING:
    from mypy_boto3_eks import EKSClient

DELETION_PROTECTION = Kind(
    rule="deletion-protection",
    what="EKS protects cluster {cluster} from being deleted",
    holds="it does not go until that is taken back",
    owner="whoever switched deletion protection on",
    looked_at="DescribeCluster",
    fix="ask provision for cluster.deletion_protection: false, or: "
    "aws eks update-cluster-config --name {cluster} --no-deletion-protection",
    source="EKS API, Cluster.deletionProtection, DeleteCluster",
)
NODE_GROUP = Kind(
    rule="node-group",
    what="node group {name} belongs to cluster {cluster}",
    holds="the cluster does not go before it",
    owner="whoever runs nodes in this cluster; this project makes none",
    looked_at="ListNodegroups",
    fix="move what runs on it, then: aws eks delete-nodegroup --cluster-name {cluster} --nodegroup-name {name}",
    source="EKS user guide, Delete a cluster; EKS API, DeleteCluster, ResourceInUseException",
)
FARGATE_PROFILE = Kind(
    rule="fargate-profile",
    what="Fargate profile {name} belongs to cluster {cluster}",
    holds="the cluster does not go before it",
    owner="whoever runs other pods in this cluster; this project makes only the profile " + fargate_profile.NAME,
    looked_at="ListFargateProfiles",
    fix="move its pods, then: aws eks delete-fargate-profile --cluster-name {cluster} --fargate-profile-name {name}",
    source="EKS user guide, Delete a cluster; EKS API, DeleteCluster, ResourceInUseException",
)
KINDS = (DELETION_PROTECTION, NODE_GROUP, FARGATE_PROFILE)


def look(request: Request, eks: "EKSClient") -> Iterator[Obstacle]:
    """Raises: ClientError."""
    name = request.cluster.name
    found = cluster.find(request, eks)
    if found is None:
        return
    if found.get("deletionProtection"):
        yield DELETION_PROTECTION.found(f"deletionProtection of {name} is true", cluster=name)
    for page in eks.get_paginator("list_nodegroups").paginate(clusterName=name):
        for each in page["nodegroups"]:
            yield NODE_GROUP.found(f"{name} has the node group {each}", cluster=name, name=each)
    for profiles in eks.get_paginator("list_fargate_profiles").paginate(clusterName=name):
        for each in profiles["fargateProfileNames"]:
            if each != fargate_profile.NAME:
                yield FARGATE_PROFILE.found(f"{name} has the Fargate profile {each}", cluster=name, name=each)
