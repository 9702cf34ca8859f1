"""Roles and policies that IAM spreads while a run already uses them do not end it, if they are seen within minutes."""

import json

import pytest

from local.cloud import EmbeddedCloud
from local.faults import young
from tests.end_to_end.runs import Machine

ACCOUNT = "222200000009"
SECONDS = 0.6
"""What a minute and a half of waiting takes here."""

embedded_only = pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")


@embedded_only
def test_a_run_goes_on_once_iam_has_spread_its_roles_and_their_policies(cloud: EmbeddedCloud, machine: Machine) -> None:
    """The provisioner's policies when the network is looked for, then the cluster's role, then that of the pods."""
    changes = {
        "Ensure network": young.make_role_again("policies", "provisioner", SECONDS),
        "Ensure cluster": young.make_role_again("trust", "cluster", SECONDS),
        "Ensure Fargate profile": young.make_role_again("trust", "fargate-pods", SECONDS),
    }
    request = {"account_id": ACCOUNT, "cluster": {"name": "young"}, "verification": {"writers": 1}}
    disarm = young.in_its_own_account(ACCOUNT, changes)(cloud, "young")
    try:
        run = machine.run(request)
    finally:
        disarm()
    assert run.status == "SUCCEEDED", run.cause
    failed = [json.loads(e["taskFailedEventDetails"]["cause"]) for e in run.history if "taskFailedEventDetails" in e]
    assert {each["errorType"] for each in failed} == {"UnsettledError"}
    told = " ".join(each["errorMessage"] for each in failed)
    assert "AccessDenied: DescribeStacks" in told
    assert f"Role with arn: {young.role_arn(ACCOUNT, 'cluster')}, could not be assumed" in told
    assert "NotYetConsistent: CreateFargateProfile: InvalidParameterException" in told
