"""How the tests of the embedded AWS call it and read its refusals."""

import base64
import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

CLUSTER_ADMIN = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
FARGATE = "eks-fargate-pods.amazonaws.com"


def code(call: Callable[..., Any], **arguments: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return str(refused.value.response["Error"]["Code"])


def request_for(parts: Any, network: Any, **changes: Any) -> dict[str, Any]:
    try:
        role = parts.role("cluster", "eks.amazonaws.com")
    except ClientError:
        role = "arn:aws:iam::123456789012:role/cluster"
    request = {"name": "demo", "roleArn": role, "resourcesVpcConfig": {"subnetIds": network.private_subnets}}
    return {**request, **changes}


def token_of(credentials: dict[str, str], cluster: str) -> str:
    url = "https://sts.ap-northeast-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15"
    request = AWSRequest("GET", url, headers={"x-k8s-aws-id": cluster})
    keys = Credentials(credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials.get("SessionToken"))
    SigV4QueryAuth(keys, "sts", "ap-northeast-1", expires=60).add_auth(request)
    return "k8s-aws-v1." + base64.urlsafe_b64encode(str(request.url).encode()).decode().rstrip("=")


def assume(parts: Any, role_arn: str) -> dict[str, str]:
    answer = parts.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="session")
    return {name: value for name, value in answer["Credentials"].items() if isinstance(value, str)}


def make_profile(parts: Any, eks: Any, name: str = "pods", **changes: Any) -> dict[str, Any]:
    with contextlib.suppress(ClientError):
        parts.role("pods", FARGATE)
    request = {
        "clusterName": "demo",
        "fargateProfileName": name,
        "podExecutionRoleArn": "arn:aws:iam::123456789012:role/pods",
        "selectors": [{"namespace": "default"}, {"namespace": "kube-system"}],
    }
    created: dict[str, Any] = eks.create_fargate_profile(**{**request, **changes})["fargateProfile"]
    return created
