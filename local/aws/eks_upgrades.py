"""UpdateClusterVersion: one minor version at a time, in EKS's time, or Failed with what was missing in the account.

Source: EKS API, UpdateClusterVersion, ErrorDetail; EKS user guide, "Update existing cluster to new Kubernetes version"
(addresses in the cluster's subnets) and "Roll back a cluster" (the previous version, within seven days of an upgrade).
Texts: rancher/rancher#41643, hashicorp/terraform-provider-aws#38796, #42031.
"""

import datetime
from collections.abc import Iterator
from typing import Any

from moto.core.responses import ActionResult

from local.aws import eks_health, eks_insights, eks_versions, network, service_roles
from local.aws.eks_base import EksOperations
from local.aws.eks_rules import OFFERED_VERSIONS, SERVICE
from local.aws.eks_state import Cluster, Update, utc_now
from local.aws.refusals import refusal

TROUBLED: set[str] = set()
"""Names of clusters whose next upgrade EKS does not get done, for reasons of its own."""
ROLLBACK_WINDOW = datetime.timedelta(days=7)


class UpgradeOperations(EksOperations):
    def update_cluster_version(self) -> ActionResult:
        cluster, version = self.cluster(), str(self.parameter("version"))
        if cluster.status != "ACTIVE":
            raise refusal(
                "ResourceInUseException",
                f"Cannot update cluster {cluster.name} while it is in status {cluster.status}",
                clusterName=cluster.name,
            )
        if version not in OFFERED_VERSIONS:
            raise refusal("InvalidParameterException", "unsupported Kubernetes version", clusterName=cluster.name)
        update_type = _type_of(cluster, version)
        if update_type == "VersionUpdate" and not self.parameter("force", False):
            _check_readiness(cluster, version)
        update = Update(update_type, [{"type": "Version", "value": version}])
        cluster.updates[update.id] = update
        cluster.status = "UPDATING"
        self.later("cluster version update", lambda: _finish(cluster, update, version))
        return ActionResult({"update": update.describe()})


def _type_of(cluster: Cluster, version: str) -> str:
    step = _minor(version) - _minor(cluster.version)
    if step == 1:
        _check_node_groups(cluster)
        _check_fargate_pods(cluster)
        return "VersionUpdate"
    if step == -1 and _may_go_back(cluster, version):
        return "VersionRollback"
    raise refusal(
        "InvalidParameterException",
        f"Unsupported Kubernetes minor version update from {cluster.version} to {version}",
        clusterName=cluster.name,
    )


def _may_go_back(cluster: Cluster, version: str) -> bool:
    upgrade = cluster.upgrade
    if upgrade is None or upgrade[0] != version or utc_now() - upgrade[1] > ROLLBACK_WINDOW:
        return False
    eks_versions.check_policy(cluster.upgrade_policy["supportType"], version)
    return True


def _check_node_groups(cluster: Cluster) -> None:
    """Our words: the API reference states the rule alone."""
    for group in cluster.nodegroups.values():
        if group.version != cluster.version:
            raise refusal(
                "InvalidRequestException",
                f"Nodegroup {group.name} must be updated to match cluster version {cluster.version} before updating "
                "cluster version",
                clusterName=cluster.name,
                nodegroupName=group.name,
            )


def _check_fargate_pods(cluster: Cluster) -> None:
    """Source: oslokommune/okctl#1015 (the words); EKS user guide, "Update existing cluster to new Kubernetes version"
    (nodes of Fargate have to be of the control plane's minor version).
    """
    if any(_minor(version) < _minor(cluster.version) for version in list(cluster.node_versions.values())):
        raise refusal(
            "InvalidRequestException",
            f"Kubelet version of Fargate pods must be updated to match cluster version {cluster.version} before "
            "updating cluster version; Please recycle all offending pod replicas",
            clusterName=cluster.name,
        )


def _check_readiness(cluster: Cluster, version: str) -> None:
    if any(each.status == "ERROR" for each in eks_insights.of_upgrade(cluster, version)):
        raise refusal(
            "InvalidStateException",
            "Upgrade readiness issues detected. Call the EKS ListInsights API to view upgrade blocking issues detected "
            "by EKS. Pass the force flag to override upgrade readiness errors and proceed with upgrade.",
            clusterName=cluster.name,
        )


def _finish(cluster: Cluster, update: Update, version: str) -> None:
    """Either way the cluster is ACTIVE again: EKS reverts what it could not finish."""
    update.errors = list(_obstacles(cluster))
    update.status = "Failed" if update.errors else "Successful"
    if not update.errors:
        cluster.upgrade = (cluster.version, utc_now()) if update.type == "VersionUpdate" else None
        cluster.version = version
    if cluster.status == "UPDATING":
        cluster.status = "ACTIVE"


def _obstacles(cluster: Cluster) -> Iterator[dict[str, Any]]:
    """What new API servers need of the account and do not find, and EKS's own trouble."""
    if cluster.name in TROUBLED:
        yield _error("Unknown", "The new API servers did not become healthy.", cluster.name)
    ec2 = network.backend(cluster.account_id, cluster.region)
    subnets = {subnet_id: network.find_subnet(ec2, subnet_id) for subnet_id in cluster.vpc_config["subnetIds"]}
    if gone := [subnet_id for subnet_id, subnet in subnets.items() if subnet is None]:
        yield _error("SubnetNotFound", "We couldn't find one of the subnets associated with the cluster.", *gone)
    free = {subnet_id: subnet.available_ip_address_count for subnet_id, subnet in subnets.items() if subnet is not None}
    if full := [subnet_id for subnet_id, count in free.items() if count < eks_health.ADDRESSES]:
        message = "A subnet associated with the cluster doesn't have any available IP addresses."
        yield _error("IpNotAvailable", message, *full)
    if network.find_security_group(ec2, cluster.security_group_id) is None:
        message = "We couldn't find one of the security groups associated with the cluster."
        yield _error("SecurityGroupNotFound", message, cluster.security_group_id)
    if not service_roles.lets_in(cluster.role_arn, SERVICE, cluster.arn):
        message = "The service role associated with the cluster doesn't have the required access permissions."
        yield _error("OperationNotPermitted", message, cluster.role_arn)


def _error(code: str, message: str, *resource_ids: str) -> dict[str, Any]:
    return {"errorCode": code, "errorMessage": message, "resourceIds": list(resource_ids)}


def _minor(version: str) -> int:
    return int(version.partition(".")[2])
