"""Whom the stack's parameter names as administrators get into a cluster that was asked for with `{}`; others do not."""

import base64
import urllib.error
import urllib.request
from typing import Any

import pytest

from local.aws.iam import find_credential
from local.cloud import EmbeddedCloud
from local.kubernetes.certificates import client_context
from tests.end_to_end.runs import Machine
from tests.kubernetes.eks_tokens import token

PEOPLE = ("ann", "bob", "eve")
ADMINISTRATORS = ("ann", "bob")


@pytest.fixture(scope="module")
def keys(cloud: EmbeddedCloud) -> dict[str, str]:
    """Name -> id of the access key of a person without any permission in AWS."""
    iam = cloud.client("iam")
    for name in PEOPLE:
        iam.create_user(UserName=name)
    return {name: iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"] for name in PEOPLE}


@pytest.fixture(scope="module")
def cluster(cloud: EmbeddedCloud, keys: dict[str, str]) -> dict[str, Any]:
    arns = ",".join(f"arn:aws:iam::{cloud.account_id}:user/{name}" for name in ADMINISTRATORS)
    outputs = cloud.deploy(parameters={"AdministratorArns": arns, "LogRetentionDays": "30"})
    run = Machine(cloud, outputs).run({"verification": {"writers": 1, "lines_per_writer": 1}})
    assert run.status == "SUCCEEDED", run.cause
    described: dict[str, Any] = cloud.client("eks").describe_cluster(name="eks-example")["cluster"]
    return described


def status(cluster: dict[str, Any], access_key_id: str) -> int:
    """Of the answer to a question about the whole cluster."""
    credential = find_credential(access_key_id)
    assert credential
    signed = token(credential, cluster["name"])
    trusted = client_context(base64.b64decode(cluster["certificateAuthority"]["data"]).decode())
    asked = urllib.request.Request(  # noqa: S310 (https, as EKS answers it)
        f"{cluster['endpoint']}/api/v1/nodes", headers={"Authorization": f"Bearer {signed}"}
    )
    try:
        with urllib.request.urlopen(asked, context=trusted) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def test_administrators_of_the_stack_get_into_a_cluster_and_nobody_else_does(
    cluster: dict[str, Any], keys: dict[str, str]
) -> None:
    assert {name: status(cluster, keys[name]) for name in PEOPLE} == {"ann": 200, "bob": 200, "eve": 401}


def test_control_plane_logs_are_kept_as_long_as_the_stacks_own(cloud: EmbeddedCloud, cluster: dict[str, Any]) -> None:
    (group,) = cloud.client("logs").describe_log_groups(logGroupNamePrefix="/aws/eks/")["logGroups"]
    assert (group["logGroupName"], group["retentionInDays"]) == (f"/aws/eks/{cluster['name']}/cluster", 30)
