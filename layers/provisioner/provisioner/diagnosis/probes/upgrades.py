"""Why a cluster does not come to its next version: what EKS says before, and what it met on the way."""

from typing import TYPE_CHECKING, Final

from provisioner.diagnosis.live import Live
from provisioner.diagnosis.model import Finding
from provisioner.resources import versions
from provisioner.resources.problem import instructions
from provisioner.resources.upgrade import summary_of

if TYPE_CHECKING:
    from mypy_boto3_eks.type_defs import UpdateTypeDef

# Source: EKS API, ErrorDetail.errorCode; a rule of their own knows how many addresses there are.
NO_ADDRESSES: Final = "IpNotAvailable|InsufficientFreeAddresses"
_OF_ADDRESSES: Final = frozenset(NO_ADDRESSES.split("|"))
# EKS takes up to as many in each of the cluster's subnets. Source: EKS user guide, "Update existing cluster to new
# Kubernetes version".
ADDRESSES: Final = 5


def insights(live: Live, _text: str) -> Finding:
    """Upgrade insights of the status ERROR about the version after the running one."""
    looked_at = f"upgrade insights of cluster {live.request.cluster.name}"
    found = live.eks.upgrade_obstacles
    if found:
        return Finding.proved(looked_at, "; ".join(each.what for each in found), what_to_do=instructions(found))
    return Finding.refuted(looked_at, "none of them is an ERROR about the next version")


def older_nodes(live: Live, text: str) -> Finding:
    """Nodes whose kubelet is of an older minor version than the cluster, with the pods on them."""
    looked_at = f"kubelets of the nodes of cluster {live.request.cluster.name}"
    if not text or (cluster := live.eks.cluster) is None:
        return Finding.refuted(looked_at, "EKS has refused no upgrade for them")
    older = {
        node["metadata"]["name"]: version
        for node in live.objects.nodes
        if _minor(version := node["status"]["nodeInfo"]["kubeletVersion"]) < versions.minor(cluster["version"])
    }
    pods = [
        f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        for pod in live.objects.all_pods
        if pod["spec"].get("nodeName") in older
    ]
    names = {"the_cluster": cluster["name"], "the_version": cluster["version"]}
    if not older:
        return Finding.possible(looked_at, f"none is older than {cluster['version']} now", **names)
    saw = f"{', '.join(sorted(set(older.values())))} where the cluster is {cluster['version']}: {', '.join(older)}"
    return Finding.proved(looked_at, saw, the_pods=", ".join(pods) or "the pods on them", **names)


def _minor(kubelet_version: str) -> int:
    """Of v1.34.2-eks-ba24e9c: 34."""
    return int(kubelet_version.split(".")[1])


def failed(live: Live, _text: str) -> Finding:
    """Status and errors of the latest change of version."""
    looked_at = f"the latest upgrade of cluster {live.request.cluster.name}"
    update, cluster = live.eks.latest_upgrade, live.eks.cluster
    if update is None or cluster is None:
        return Finding.refuted(looked_at, "there was none")
    if update["status"] != "Failed":
        return Finding.refuted(looked_at, f"it is {update['status']}")
    saw = f"it is Failed: {summary_of(update)}"
    if is_of_addresses(update):
        return Finding.possible(looked_at, f"{saw}; the subnets' addresses are the cause")
    names = {"the_cause": summary_of(update), "the_cluster": cluster["name"], "the_version": cluster["version"]}
    return Finding.proved(looked_at, saw, **names)


def is_of_addresses(update: "UpdateTypeDef | None") -> bool:
    """Whether it failed for addresses alone."""
    codes = {str(each.get("errorCode")) for each in update.get("errors", [])} if update else set()
    return bool(codes) and codes <= _OF_ADDRESSES
