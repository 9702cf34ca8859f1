"""The roles that services make for themselves, as whoever calls them first.

Source: IAM guide, "Create a service-linked role"; EKS and EFS guides, "Using service-linked roles".
"""

import json
from collections.abc import Iterator

from moto.iam.models import iam_backends

from local.aws import iam
from local.aws.permissions.demand import ApiCall, Demand

FARGATE = ("eks-fargate.amazonaws.com", "AWSServiceRoleForAmazonEKSForFargate")
LINKED_ROLES = {
    "eks:CreateCluster": ("eks.amazonaws.com", "AWSServiceRoleForAmazonEKS"),
    "eks:CreateFargateProfile": FARGATE,
    "efs:CreateFileSystem": ("elasticfilesystem.amazonaws.com", "AWSServiceRoleForAmazonElasticFileSystem"),
}


def linked_role_arn(call: ApiCall, service: str, name: str) -> str:
    return f"arn:{call.partition}:iam::{call.account_id}:role/aws-service-role/{service}/{name}"


def missing_linked_roles(call: ApiCall) -> Iterator[Demand]:
    """Nothing when the account has it already; else the first call that needs it makes it."""
    if call.name not in LINKED_ROLES:
        return
    service, name = LINKED_ROLES[call.name]
    arn = linked_role_arn(call, service, name)

    def make() -> None:
        backend = iam_backends[call.account_id][call.partition]
        statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        backend.create_role(name, trust, f"/aws-service-role/{service}/", "", "", [], "3600", linked_service=service)

    if iam.find_role(arn) is None:
        yield Demand("iam:CreateServiceLinkedRole", arn, {"iam:AWSServiceName": service}, granted=make)
