"""Fargate nodes as the API shows them: one per pod."""

import aiohttp

from local.kubernetes.http_api import ApiError, KubernetesApi
from local.kubernetes.interfaces import Placement
from local.kubernetes.objects import Object, condition, merge_conditions

_MANAGER = "kubelet"


def node_object(placement: Placement) -> Object:
    zone = placement.availability_zone
    labels = {
        "eks.amazonaws.com/compute-type": "fargate",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": placement.node_name,
        "kubernetes.io/os": "linux",
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "topology.kubernetes.io/zone": zone,
        "topology.kubernetes.io/region": zone[:-1],
        "topology.k8s.aws/zone-id": placement.availability_zone_id,
        "failure-domain.beta.kubernetes.io/zone": zone,
        "failure-domain.beta.kubernetes.io/region": zone[:-1],
    }
    taint = {"key": "eks.amazonaws.com/compute-type", "value": "fargate", "effect": "NoSchedule"}
    provider_id = f"aws:///{zone}/{placement.node_name}"
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": placement.node_name, "labels": labels},
        "spec": {"taints": [taint], "providerID": provider_id},
    }


def node_status(kubelet: tuple[str, int], version: str) -> Object:
    """The one address is where the API server finds the kubelet: given more, a kube-apiserver tries names first."""
    conditions = [
        condition("MemoryPressure", False, "KubeletHasSufficientMemory"),
        condition("DiskPressure", False, "KubeletHasNoDiskPressure"),
        condition("PIDPressure", False, "KubeletHasSufficientPID"),
        condition("Ready", True, "KubeletReady", "kubelet is posting ready status"),
    ]
    identity = dict.fromkeys(("machineID", "systemUUID", "bootID", "kernelVersion", "kubeProxyVersion"), "")
    resources = {"cpu": "2", "memory": "4Gi", "ephemeral-storage": "20Gi", "pods": "1"}
    return {
        "addresses": [{"type": "InternalIP", "address": kubelet[0]}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": kubelet[1]}},
        "conditions": merge_conditions([], conditions),
        "capacity": resources,
        "allocatable": resources,
        "nodeInfo": {
            **identity,
            "osImage": "Amazon Linux 2",
            "containerRuntimeVersion": "containerd://simulated",
            "kubeletVersion": version,
            "operatingSystem": "linux",
            "architecture": "amd64",
        },
        # without it a recent kube-apiserver translates exec to SPDY, which this kubelet does not speak
        "declaredFeatures": ["ExtendWebSocketsToKubelet"],
    }


async def register_node(api: KubernetesApi, placement: Placement, kubelet: tuple[str, int], version: str) -> Object:
    """Idempotency key: the node's name; one that an earlier simulator left is taken over."""
    try:
        node = await api.create("nodes", node_object(placement), manager=_MANAGER)
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise
        node = await api.get("nodes", "", placement.node_name)
    try:
        return await api.patch_status("nodes", node, node_status(kubelet, version), manager=_MANAGER)
    except (ApiError, aiohttp.ClientError):
        await api.delete("nodes", node)
        raise
