"""Roles that have lost the permissions boundary that an organization demands are told."""

import botocore.session
import pytest

from provisioner.aws.session import Target
from provisioner.resources import role_boundary_drift
from tests.unit.resources.aws_calls import alter
from tests.unit.resources.fake_iam import FakeIam
from tests.unit.resources.samples import ACCOUNT_ID, CLUSTER_ROLE_ARN, PODS_ROLE_ARN, REGION

WANTED = f"arn:aws:iam::{ACCOUNT_ID}:policy/platform/boundary"
ANOTHER = f"arn:aws:iam::{ACCOUNT_ID}:policy/theirs"


def target(iam: FakeIam, boundary: str) -> Target:
    made = Target(
        botocore.session.Session(),
        account_id=ACCOUNT_ID,
        region=REGION,
        role_prefix="eks-efs-provisioner",
        permissions_boundary=boundary,
    )
    made._clients = {"iam": iam.client}
    return made


@pytest.mark.parametrize("actual", [None, ANOTHER])
def test_each_role_without_the_boundary_is_told_with_what_it_has(actual: str | None, iam: FakeIam) -> None:
    del iam.made[PODS_ROLE_ARN]  # which others tell

    def give(answer: dict[str, dict[str, object]]) -> None:
        if "Role" not in answer:
            return
        mine = actual if answer["Role"]["Arn"] == CLUSTER_ROLE_ARN else WANTED
        if mine:
            answer["Role"]["PermissionsBoundary"] = {"PermissionsBoundaryArn": mine}

    alter(iam.client, "GetRole", give)
    (found,) = role_boundary_drift.inspect(target(iam, "platform/boundary"))
    (difference,) = found.differences
    assert (difference.resource, difference.expected, difference.actual) == (f"role {CLUSTER_ROLE_ARN}", WANTED, actual)
    assert not difference.repairable


def test_where_no_boundary_is_demanded_nothing_is_asked(iam: FakeIam) -> None:
    alter(iam.client, "GetRole", lambda _: pytest.fail("a role was asked for"))
    assert role_boundary_drift.inspect(target(iam, "")) == []
