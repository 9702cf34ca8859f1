"""What the programs of a real control plane are told; lean, because several run at once beside the tests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from local.kubernetes.interfaces import ACCESS_POLICY_GROUP_PREFIX
from local.kubernetes.real_certificates import Certificates

# Relative to the programs' working directory: a socket needs no free port and no other user can talk to it.
ETCD_CLIENT = "unix://etcd.sock"
ETCD_PEER = "unix://etcd-peer.sock"
VIEWER_OF_ALL = "eks-admin-view"
HEALTH_PATHS = ("/healthz", "/livez", "/readyz")


def etcd_flags() -> list[str]:
    return [
        "--data-dir=etcd",
        f"--listen-client-urls={ETCD_CLIENT}",
        f"--advertise-client-urls={ETCD_CLIENT}",
        f"--listen-peer-urls={ETCD_PEER}",
        f"--initial-advertise-peer-urls={ETCD_PEER}",
        f"--initial-cluster=default={ETCD_PEER}",
        "--unsafe-no-fsync=true",  # nothing here outlives the process
        "--log-level=warn",
    ]


def api_server_flags(
    *, port: int, certificates: Certificates, tokens: Path, webhook: Path, authentication: Path
) -> list[str]:
    """Source: Kubernetes reference, kube-apiserver; setup-envtest's defaults."""
    return [
        f"--etcd-servers={ETCD_CLIENT}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={port}",
        "--permit-port-sharing=true",  # the port stays reserved by the process that started us
        f"--tls-cert-file={certificates.serving_certificate}",
        f"--tls-private-key-file={certificates.serving_key}",
        f"--token-auth-file={tokens}",
        f"--authentication-config={authentication}",
        f"--authentication-token-webhook-config-file={webhook}",
        "--authentication-token-webhook-version=v1",
        "--authentication-token-webhook-cache-ttl=0s",  # a new access entry counts at the next request
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={certificates.service_account_key}",
        f"--service-account-signing-key-file={certificates.service_account_key}",
        "--service-cluster-ip-range=10.100.0.0/16",  # as EKS gives a cluster in a 192.168.0.0/16 VPC
        "--disable-admission-plugins=ServiceAccount",  # no token controller runs, and no pod here calls the API
        "--allow-privileged=true",
        "--enable-priority-and-fairness=false",
        "--endpoint-reconciler-type=none",
        "--profiling=false",
    ]


def controller_manager_flags(kubeconfig: Path, controllers: Sequence[str]) -> list[str]:
    return [
        f"--kubeconfig={kubeconfig}",
        f"--controllers={','.join(controllers)}",
        "--leader-elect=false",
        "--secure-port=0",
        # 15 s by default: a claim would often wait that long for a volume that came after it.
        "--pvclaimbinder-sync-period=1s",
        "--kube-api-qps=200",
        "--kube-api-burst=400",
        "--profiling=false",
    ]


def write_authentication(path: Path) -> Path:
    """Anonymous callers reach the health endpoints only, as on EKS."""
    content = {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AuthenticationConfiguration",
        "anonymous": {"enabled": True, "conditions": [{"path": path} for path in HEALTH_PATHS]},
    }
    path.write_text(json.dumps(content))
    return path


def viewer_of_all() -> dict[str, Any]:
    """AmazonEKSAdminViewPolicy has no user-facing role of Kubernetes' own: it reads everything, secrets too."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": VIEWER_OF_ALL},
        "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}],
    }


def role_binding(policy: str, role: str) -> dict[str, Any]:
    """Gives an EKS access policy's group the Kubernetes role that AWS modelled the policy on.

    Source: EKS guide, "Review access policy permissions": each names its Kubernetes user-facing role.
    """
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"eks-access-policy-{policy.lower()}"},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": group, "kind": "Group", "name": f"{ACCESS_POLICY_GROUP_PREFIX}{policy}"}],
    }
