"""What keeps EKS from deleting the cluster, or the removal from knowing what is in it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from provisioner.aws.session import Target
from provisioner.removal.obstacles.model import Kind, Obstacle
from provisioner.request import Request
from provisioner.resources import cluster, cluster_access, fargate_profile

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
    owner="whoever runs other pods in this cluster; this project makes only profiles named " + fargate_profile.NAME,
    looked_at="ListFargateProfiles",
    fix="move its pods, then: aws eks delete-fargate-profile --cluster-name {cluster} --fargate-profile-name {name}",
    source="EKS user guide, Delete a cluster; EKS API, DeleteCluster, ResourceInUseException",
)
NO_WAY_IN = Kind(
    rule="no-way-in",
    what="cluster {cluster} lets neither {inspector} nor {remover} look at what people run in it",
    holds="a load balancer of theirs would be stranded when it goes",
    owner="whoever took the two roles' access entries or policies away",
    looked_at="the Kubernetes API; ListAssociatedAccessPolicies",
    fix="start a run of provision for {cluster}, which lets both in again, then start the removal again",
    source="EKS user guide, Grant IAM users access to Kubernetes with EKS access entries",
)
KINDS = (DELETION_PROTECTION, NODE_GROUP, FARGATE_PROFILE, NO_WAY_IN)


def unseen(request: Request, target: Target) -> Iterator[Obstacle]:
    """In place of what is in a cluster that does not let the inspector look.

    None where the remover looks itself before it takes anything, and where nobody can run anything because the
    provisioner has never been in. Raises: ClientError.
    """
    eks, roles = target.client("eks"), {role: target.role_arn(role) for role in ("provisioner", "inspector", "remover")}
    policies = {role: cluster_access.policies_of(request, arn, eks) for role, arn in roles.items()}
    if policies["provisioner"] and not policies["remover"]:
        saw = ", ".join(f"{role} has {_told(policies[role])}" for role in ("inspector", "remover"))
        yield NO_WAY_IN.found(saw, cluster=request.cluster.name, **roles)


def _told(policies: list[str] | None) -> str:
    if policies is None:
        return "no access entry"
    return f"the access policies {', '.join(policies)}" if policies else "an access entry without a policy"


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
            if not fargate_profile.is_ours(each):
                yield FARGATE_PROFILE.found(f"{name} has the Fargate profile {each}", cluster=name, name=each)
