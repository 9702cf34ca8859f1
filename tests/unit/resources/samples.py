"""Requests and networks that the tests of several resources share."""

from datetime import UTC, datetime
from typing import Any

from provisioner.request import Request
from provisioner.resources.vpc import Network, PrivateSubnet

ACCOUNT_ID = "123456789012"  # moto's own account: what is created there is found there
REGION = "ap-northeast-1"
CLUSTER_ROLE_ARN = f"arn:aws:iam::{ACCOUNT_ID}:role/eks-efs-provisioner-cluster"
PODS_ROLE_ARN = f"arn:aws:iam::{ACCOUNT_ID}:role/eks-efs-provisioner-fargate-pods"
PROVISIONER_ROLE_ARN = f"arn:aws:iam::{ACCOUNT_ID}:role/eks-efs-provisioner-provisioner"
INSPECTOR_ROLE_ARN = f"arn:aws:iam::{ACCOUNT_ID}:role/eks-efs-provisioner-inspector"
REMOVER_ROLE_ARN = f"arn:aws:iam::{ACCOUNT_ID}:role/eks-efs-provisioner-remover"
OWNER_TAGS = {"eks-efs-provisioner/cluster": "eks-example"}
NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
NETWORK = Network(
    "vpc-0123456789abcdef0",
    (
        PrivateSubnet("subnet-0123456789abcdef1", "ap-northeast-1c", "apne1-az1", "192.168.96.0/19"),
        PrivateSubnet("subnet-0123456789abcdef2", "ap-northeast-1d", "apne1-az2", "192.168.128.0/19"),
    ),
)


def request_for(**parts: Any) -> Request:
    """The default request, with some parts replaced."""
    return Request.model_validate({"account_id": ACCOUNT_ID, "region": REGION, **parts})


def key_values(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
