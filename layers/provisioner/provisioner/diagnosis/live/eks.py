"""The cluster, its Fargate profiles, its add-on and the access of the provisioner's role, as EKS describes them."""

from typing import TYPE_CHECKING

from provisioner.diagnosis.live.connection import Connection
from provisioner.diagnosis.once import once
from provisioner.request import Request
from provisioner.resources import cluster, cluster_access, cluster_dns, principals, updates, upgrade

if TYPE_CHECKING:
    from mypy_boto3_eks.type_defs import (
        AccessEntryTypeDef,
        AddonTypeDef,
        AssociatedAccessPolicyTypeDef,
        ClusterTypeDef,
        FargateProfileTypeDef,
        UpdateTypeDef,
    )

    from provisioner.resources.problem import Problem


class LiveEks:
    def __init__(self, request: Request, connection: Connection) -> None:
        self._request = request
        self._connection = connection

    @once
    def cluster(self) -> "ClusterTypeDef | None":
        return cluster.find(self._request, self._connection.eks)

    @once
    def cluster_names(self) -> list[str]:
        pages = self._connection.eks.get_paginator("list_clusters").paginate()
        return sorted(name for page in pages for name in page["clusters"])

    @once
    def security_group_id(self) -> str | None:
        """The cluster security group: the one that pods on Fargate have."""
        return (self.cluster or {}).get("resourcesVpcConfig", {}).get("clusterSecurityGroupId")

    @once
    def profiles(self) -> "list[FargateProfileTypeDef]":
        eks, name = self._connection.eks, self._request.cluster.name
        pages = eks.get_paginator("list_fargate_profiles").paginate(clusterName=name)
        names = sorted(each for page in pages for each in page["fargateProfileNames"])
        return [
            eks.describe_fargate_profile(clusterName=name, fargateProfileName=each)["fargateProfile"] for each in names
        ]

    @once
    def addon_names(self) -> list[str]:
        pages = self._connection.eks.get_paginator("list_addons").paginate(clusterName=self._request.cluster.name)
        return sorted(name for page in pages for name in page["addons"])

    @once
    def latest_upgrade(self) -> "UpdateTypeDef | None":
        """The latest change of the cluster's version, however it ended."""
        if self.cluster is None:
            return None
        return updates.latest(self._request.cluster.name, self._connection.eks, "VersionUpdate")

    @once
    def upgrade_obstacles(self) -> "list[Problem]":
        """What EKS says against the next version, where the request asks for one."""
        following = upgrade.next_version(self._request, self.cluster) if self.cluster else None
        if self.cluster is None or following is None:
            return []
        return list(upgrade.obstacles(self.cluster, following, self._connection.eks))

    @once
    def dns_addon(self) -> "AddonTypeDef | None":
        return cluster_dns.find(self._request, self._connection.eks)

    @once
    def access_entry(self) -> "AccessEntryTypeDef | None":
        """That of the provisioner's own role."""
        return cluster_access.find(self._request, self.principal_arn, self._connection.eks)

    @once
    def pods_access_entry(self) -> "AccessEntryTypeDef | None":
        """That of the pod execution role of the project's profile: Fargate's nodes join through it."""
        return cluster_access.find(self._request, self.pods_role_arn, self._connection.eks)

    def standing(self, entry: "AccessEntryTypeDef") -> principals.Standing:
        return principals.standing(self._request, entry, self._connection.iam)

    @once
    def access_policies(self) -> "list[AssociatedAccessPolicyTypeDef]":
        pages = self._connection.eks.get_paginator("list_associated_access_policies").paginate(
            clusterName=self._request.cluster.name, principalArn=self.principal_arn
        )
        return [policy for page in pages for policy in page["associatedAccessPolicies"]]

    @property
    def principal_arn(self) -> str:
        return self._connection.target.role_arn("provisioner")

    @property
    def pods_role_arn(self) -> str:
        return self._connection.target.role_arn("fargate-pods")
