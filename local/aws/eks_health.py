"""What EKS finds wrong with a cluster that stays ACTIVE: what it needs in the account is no longer there.

Source: EKS API, ClusterIssue; EKS guide, "Cluster health FAQs and error codes with resolution paths" (the words) and
"Update existing cluster to new Kubernetes version" (up to five addresses in the cluster's subnets).
"""

from collections.abc import Iterator
from typing import Any

from moto.kms.models import kms_backends

from local.aws import iam, network, service_roles
from local.aws.eks_state import Cluster

ADDRESSES = 5
KEY_STATES = {
    "Disabled": ("KmsKeyDisabled", "The AWS KMS Key associated with your cluster is disabled."),
    "PendingDeletion": (
        "KmsKeyMarkedForDeletion",
        "The AWS KMS Key associated with your cluster is marked for deletion.",
    ),
}


def issues(cluster: Cluster) -> list[dict[str, Any]]:
    """Of a cluster that works; one that failed says why itself."""
    if cluster.status not in ("ACTIVE", "UPDATING"):
        return []
    return [*_addresses(cluster), *_role(cluster), *_key(cluster)]


def _addresses(cluster: Cluster) -> Iterator[dict[str, Any]]:
    ec2 = network.backend(cluster.account_id, cluster.region)
    subnets = [network.find_subnet(ec2, subnet_id) for subnet_id in cluster.vpc_config["subnetIds"]]
    full = [each.id for each in subnets if each is not None and each.available_ip_address_count < ADDRESSES]
    if full:
        yield _issue(
            "InsufficientFreeAddresses",
            "One or more of the subnets associated with your cluster does not have enough available IP addresses for "
            "Amazon EKS to perform cluster management operations.",
            *full,
        )


def _role(cluster: Cluster) -> Iterator[dict[str, Any]]:
    role = iam.find_role(cluster.role_arn)
    if role is None:
        yield _issue("IamRoleNotFound", "We couldn't find the cluster IAM role.", cluster.role_arn)
    elif not service_roles.lets_in(cluster.role_arn, service_roles.EKS, cluster.arn):
        yield _issue("AccessDenied", "Amazon EKS can't assume the cluster IAM role.", cluster.role_arn)


def _key(cluster: Cluster) -> Iterator[dict[str, Any]]:
    for config in cluster.encryption_config:
        arn = str(config["provider"]["keyArn"])
        account_id, region, key_id = arn.split(":")[4], arn.split(":")[3], arn.rpartition("/")[2]
        key = kms_backends[account_id][region].keys.get(key_id)
        if key is not None and key.key_state in KEY_STATES:
            yield _issue(*KEY_STATES[key.key_state], arn)


def _issue(code: str, message: str, *resource_ids: str) -> dict[str, Any]:
    return {"code": code, "message": message, "resourceIds": list(resource_ids)}
