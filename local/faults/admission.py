"""Faults of a namespace's bounds, of who is asked before objects are made, and of the way to the pods."""

from typing import Any

from local.faults.fault import Act, Fault, before
from local.faults.scene import Scene

WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"


def bound_by_quota(hard: dict[str, str]) -> Act:
    """A team's ResourceQuota, in force once its status is kept."""

    def bind(scene: Scene) -> None:
        quotas = f"/api/v1/namespaces/{scene.storage['namespace']}/resourcequotas"
        scene.create(quotas, {"kind": "ResourceQuota", "metadata": {"name": "team-quota"}, "spec": {"hard": hard}})
        scene.until(lambda: (scene.get(f"{quotas}/team-quota") or {}).get("status", {}).get("hard") == hard)

    return bind


def bind_pods_by_a_limit_range(scene: Scene) -> None:
    path = f"/api/v1/namespaces/{scene.storage['namespace']}/limitranges"
    limits = [{"type": "Container", "min": {"memory": "1Gi"}}]
    scene.create(path, {"kind": "LimitRange", "metadata": {"name": "team-limits"}, "spec": {"limits": limits}})


def enforce_restricted(scene: Scene) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    scene.patch(f"/api/v1/namespaces/{scene.storage['namespace']}", {"metadata": {"labels": labels}})


def policy_webhook(scene: Scene) -> dict[str, Any]:
    """A policy controller's webhook, which nobody answers for: it is asked about pods of the namespace."""
    webhook = {
        "name": "validate.policy.example.com",
        "clientConfig": {"service": {"name": "policy-controller", "namespace": "policy", "path": "/validate"}},
        "rules": [{"operations": ["*"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": scene.storage["namespace"]}},
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "policy-controller"},
        "webhooks": [webhook],
    }


def lose_the_policy_controller(scene: Scene) -> None:
    scene.create(WEBHOOKS, policy_webhook(scene))


def close_the_cluster_security_group(scene: Scene) -> None:
    """Somebody tidies up: of all traffic the cluster security group admits only HTTPS from itself, as nodes need it."""
    ec2, group_id = scene.client("ec2"), scene.cluster.security_group_id
    (group,) = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
    ec2.revoke_security_group_ingress(GroupId=group_id, IpPermissions=group["IpPermissions"])
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "UserIdGroupPairs": [{"GroupId": group_id}]}
    ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[https])


FAULTS = (
    Fault(
        "namespace-quota",
        "a ResourceQuota of the namespace admits no pod",
        "namespace-quota",
        before("Verify storage", bound_by_quota({"pods": "0"})),
    ),
    Fault(
        "claim-quota",
        "a ResourceQuota of the namespace admits no claim",
        "namespace-quota",
        before("Apply storage", bound_by_quota({"persistentvolumeclaims": "0"})),
    ),
    Fault(
        "limit-range",
        "a LimitRange of the namespace wants larger pods",
        "namespace-limits",
        before("Verify storage", bind_pods_by_a_limit_range),
    ),
    Fault(
        "pod-security",
        "the namespace enforces the Pod Security level restricted",
        "pod-security-level",
        before("Verify storage", enforce_restricted),
    ),
    Fault(
        "webhook-down",
        "the policy controller that must be asked about pods is gone",
        "webhook-unreachable",
        before("Verify storage", lose_the_policy_controller),
    ),
    Fault(
        "nodes-unreachable",
        "the cluster security group only admits HTTPS from itself, so the API server reaches no kubelet",
        "nodes-unreachable",
        before("Verify storage", close_the_cluster_security_group),
    ),
)
