"""Roles and policies that IAM spreads while a run already uses them do not end it, if they are seen within minutes."""

import itertools
import json

import pytest

from local.aws import iam_changes
from local.cloud import EmbeddedCloud
from local.faults import young
from tests.end_to_end.runs import Machine

ACCOUNT = "222200000009"

embedded_only = pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")


@embedded_only
def test_a_run_goes_on_once_iam_has_spread_its_roles_and_their_policies(cloud: EmbeddedCloud, machine: Machine) -> None:
    """The provisioner's policies when the network is looked for, then the cluster's role, then that of the pods."""
    changes = {
        "Ensure network": seen_from_the_third_look("policies", "provisioner"),
        "Ensure cluster": seen_from_the_third_look("trust", "cluster"),
        "Ensure Fargate profile": seen_from_the_third_look("trust", "fargate-pods"),
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


def seen_from_the_third_look(kind: iam_changes.Kind, purpose: str) -> young.Change:
    """The role is made again before the state's function looks, and spread just before it looks for the third time."""
    looks = itertools.count(1)

    def change(cloud: EmbeddedCloud, account_id: str) -> bool:
        look = next(looks)
        if look == 1:
            young.make_role_again(kind, purpose)(cloud, account_id)
        if look == 3:
            del iam_changes.DELAYS[young.role_arn(account_id, purpose), kind]
        return look == 3

    return change
