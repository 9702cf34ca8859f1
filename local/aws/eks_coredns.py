"""What the add-on coredns has in a cluster: the Deployment, of which it is as healthy as the replicas.

Its containers answer no queries: nothing here resolves names through them. So they have neither probes nor a
Corefile; what Fargate, registries and quotas see of the pods is as on AWS.
Source: kubernetes/kubernetes, cluster/addons/dns/coredns; aws/aws-cdk#6005 (EKS's labels); EKS user guide, "Get started
with AWS Fargate for your cluster" (compute type).
"""

import json
from collections.abc import Mapping
from typing import Any

from local.aws.partitions import dns_suffix

NAME, NAMESPACE = "coredns", "kube-system"
KEY = {"kind": "Deployment", "metadata": {"name": NAME, "namespace": NAMESPACE}}
COMPUTE_TYPE = "eks.amazonaws.com/compute-type"
LABELS = {"eks.amazonaws.com/component": NAME, "k8s-app": "kube-dns"}
REPLICAS = 2
RESOURCES = {"requests": {"cpu": "100m", "memory": "70Mi"}, "limits": {"memory": "170Mi"}}

REGISTRIES = {
    "af-south-1": "877085696533",
    "ap-east-1": "800184023465",
    "ap-south-2": "900889452093",
    "ap-southeast-3": "296578399912",
    "ap-southeast-4": "491585149902",
    "ca-west-1": "761377655185",
    "cn-north-1": "918309763551",
    "cn-northwest-1": "961992271922",
    "eu-central-2": "900612956339",
    "eu-south-1": "590381155156",
    "eu-south-2": "455263428931",
    "il-central-1": "066635153087",
    "me-central-1": "759879836304",
    "me-south-1": "558608220178",
    "us-gov-east-1": "151742754352",
    "us-gov-west-1": "013241004608",
}
USUAL_REGISTRY = "602401143452"
"""EKS's own accounts. Source: EKS user guide, "View Amazon container image registries for Amazon EKS add-ons"."""


def deployment(region: str, version: str, configuration: str | None) -> dict[str, Any]:
    """As the add-on of that version, configured so, applies it."""
    values = json.loads(configuration or "{}")
    compute_type = str(values.get("computeType", "ec2")).lower()
    account = REGISTRIES.get(region, USUAL_REGISTRY)
    container = {
        "name": NAME,
        "image": f"{account}.dkr.ecr.{region}.{dns_suffix(region)}/eks/coredns:{version}",
        "args": ["-conf", "/etc/coredns/Corefile"],
        "ports": [
            {"containerPort": 53, "name": "dns", "protocol": "UDP"},
            {"containerPort": 53, "name": "dns-tcp", "protocol": "TCP"},
            {"containerPort": 9153, "name": "metrics", "protocol": "TCP"},
        ],
        "resources": values.get("resources", RESOURCES),
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAME, "namespace": NAMESPACE, "labels": {**LABELS, "kubernetes.io/name": "CoreDNS"}},
        "spec": {
            "replicas": values.get("replicaCount", REPLICAS),
            "selector": {"matchLabels": LABELS},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 1}},
            "template": {
                "metadata": {
                    "labels": {**values.get("podLabels", {}), **LABELS},
                    "annotations": {**values.get("podAnnotations", {}), COMPUTE_TYPE: compute_type},
                },
                "spec": {
                    "priorityClassName": "system-cluster-critical",
                    "tolerations": values.get(
                        "tolerations",
                        [
                            {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"},
                            {"key": "CriticalAddonsOnly", "operator": "Exists"},
                        ],
                    ),
                    "containers": [container],
                },
            },
        },
    }


def has_its_replicas(found: Mapping[str, Any] | None) -> bool:
    """Whether the Deployment, as it is in the cluster, has all the replicas it is to have now."""
    if found is None:
        return False
    status = found.get("status", {})
    is_observed = status.get("observedGeneration") == found["metadata"]["generation"]
    return is_observed and int(status.get("availableReplicas", 0)) >= int(found["spec"]["replicas"])
