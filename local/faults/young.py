"""Faults of roles and policies that are younger than IAM takes to spread them, or that nobody can use.

Each strikes in an account of its own, which a StackSet has furnished: other runs go on undisturbed.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from local.aws import iam_changes
from local.aws.administrators import administrator_of
from local.aws.hooks import Undo
from local.cloud import EmbeddedCloud
from local.faults.accounts import roll_out_roles
from local.faults.fault import Act, Fault, Strike, before

PREFIX = "eks-efs-provisioner-"
ACCOUNT_WITH_A_YOUNG_ROLE = "222200000001"
ACCOUNT_WITH_YOUNG_POLICIES = "222200000002"
ACCOUNT_WITH_A_ROLE_OF_ANOTHER_SERVICE = "222200000003"
AN_HOUR = 3600.0
"""Of real time: longer than any run here."""

Change = Callable[[EmbeddedCloud, str], bool | None]
"""Of something in the account with that id; what it returns is as of an `Act`."""


def role_arn(account_id: str, purpose: str) -> str:
    return f"arn:aws:iam::{account_id}:role/{PREFIX}{purpose}"


def in_its_own_account(account_id: str, changes: Mapping[str, Change]) -> Strike:
    """The account gets its roles at once, and each change just before the state that it is for."""

    def strike(cloud: EmbeddedCloud, cluster_name: str | None) -> Undo:
        take_away = roll_out_roles(cloud, account_id, HubAccountId=cloud.account_id)

        def made(change: Change) -> Act:
            return lambda _scene: change(cloud, account_id)

        disarm = [before(state, made(change))(cloud, cluster_name) for state, change in changes.items()]

        def undo() -> None:
            for each in disarm:
                each()
            for key in [key for key in iam_changes.DELAYS if key[0].split(":")[4] == account_id]:
                del iam_changes.DELAYS[key]
            take_away()

        return undo

    return strike


def make_role_again(kind: iam_changes.Kind, purpose: str) -> Change:
    """Deleted and made as it was; during a whole run others do not see it, or not what it may do."""

    def make(cloud: EmbeddedCloud, account_id: str) -> None:
        iam, name = iam_of(cloud, account_id), f"{PREFIX}{purpose}"
        role = iam.get_role(RoleName=name)["Role"]
        attached = [each["PolicyArn"] for each in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]]
        for policy_arn in attached:
            iam.detach_role_policy(RoleName=name, PolicyArn=policy_arn)
        iam.delete_role(RoleName=name)
        iam_changes.DELAYS[role["Arn"], kind] = AN_HOUR
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(role["AssumeRolePolicyDocument"]))
        for policy_arn in attached:
            iam.attach_role_policy(RoleName=name, PolicyArn=policy_arn)

    return make


def give_role_to_lambda(cloud: EmbeddedCloud, account_id: str) -> None:
    """Somebody mistakes the cluster's role for a function's."""
    iam, name = iam_of(cloud, account_id), f"{PREFIX}cluster"
    trust = json.dumps(iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"])
    document = trust.replace("eks.amazonaws.com", "lambda.amazonaws.com")
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=document)


def iam_of(cloud: EmbeddedCloud, account_id: str) -> Any:
    return cloud.server.client("iam", credentials=administrator_of(account_id))


FAULTS = (
    Fault(
        "young-role",
        "the cluster's role was made a moment ago, and IAM does not get it to EKS",
        "service-role-unusable",
        in_its_own_account(ACCOUNT_WITH_A_YOUNG_ROLE, {"Ensure cluster": make_role_again("trust", "cluster")}),
        request={"account_id": ACCOUNT_WITH_A_YOUNG_ROLE},
        verdict="possible",
    ),
    Fault(
        "young-policy",
        "the provisioner's role got its policies a moment ago, and IAM does not get them to the services",
        "access-denied",
        in_its_own_account(ACCOUNT_WITH_YOUNG_POLICIES, {"Ensure network": make_role_again("policies", "provisioner")}),
        request={"account_id": ACCOUNT_WITH_YOUNG_POLICIES},
    ),
    Fault(
        "untrusting-role",
        "somebody made the cluster's role one of functions",
        "service-role-unusable",
        in_its_own_account(ACCOUNT_WITH_A_ROLE_OF_ANOTHER_SERVICE, {"Ensure cluster": give_role_to_lambda}),
        request={"account_id": ACCOUNT_WITH_A_ROLE_OF_ANOTHER_SERVICE},
    ),
)
