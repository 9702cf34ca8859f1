"""Managed node groups, which hold the cluster that has them. There are no EC2 nodes here, so they have none.

Source: EKS API reference, CreateNodegroup, DeleteNodegroup.
"""

from typing import Any

from moto.core.responses import ActionResult

from local.aws import iam
from local.aws.eks_base import EksOperations
from local.aws.eks_state import Cluster, Nodegroup
from local.aws.refusals import refusal

DEFAULT_SCALING = {"minSize": 1, "maxSize": 2, "desiredSize": 2}


class NodegroupOperations(EksOperations):
    def create_nodegroup(self) -> ActionResult:
        cluster, name = self.active_cluster(), self.parameter("nodegroupName")
        if name in cluster.nodegroups:
            message = f"NodeGroup already exists with name {name} and cluster name {cluster.name}"
            raise refusal("ResourceInUseException", message, clusterName=cluster.name, nodegroupName=name)
        scaling: dict[str, Any] = {**DEFAULT_SCALING, **self.parameter("scalingConfig", {})}
        if scaling["desiredSize"]:
            message = "The embedded cloud has no EC2 nodes: ask for a desiredSize of 0, or use a Fargate profile"
            raise refusal("InvalidRequestException", message, nodegroupName=name)
        role_arn = self.parameter("nodeRole")
        if iam.find_role(role_arn) is None:
            raise refusal("InvalidParameterException", f"The role {role_arn} does not exist", nodegroupName=name)
        group = Nodegroup(
            name=name,
            cluster_name=cluster.name,
            arn=cluster.arn_of("nodegroup", cluster.name, name),
            version=self.parameter("version") or cluster.version,
            role_arn=role_arn,
            subnets=self.parameter("subnets"),
            scaling=scaling,
            tags=self.tags_parameter(),
        )
        cluster.nodegroups[name] = group

        def finish() -> None:
            if group.status == "CREATING":
                group.status = "ACTIVE"

        self.later("node group", finish)
        return ActionResult({"nodegroup": group.describe()})

    def describe_nodegroup(self) -> ActionResult:
        return ActionResult({"nodegroup": self._nodegroup(self.cluster()).describe()})

    def list_nodegroups(self) -> ActionResult:
        return ActionResult(self.page(list(self.cluster().nodegroups), "nodegroups"))

    def delete_nodegroup(self) -> ActionResult:
        cluster = self.cluster()
        group = self._nodegroup(cluster)
        if group.status != "DELETING":
            group.status = "DELETING"

            def finish() -> None:
                cluster.nodegroups.pop(group.name, None)

            self.later("node group deletion", finish)
        return ActionResult({"nodegroup": group.describe()})

    def _nodegroup(self, cluster: Cluster) -> Nodegroup:
        name = self.parameter("nodegroupName")
        found = cluster.nodegroups.get(name)
        if found is None:
            message = f"No node group found for name: {name}."
            raise refusal("ResourceNotFoundException", message, clusterName=cluster.name, nodegroupName=str(name))
        return found
