"""Accounts beside the embedded cloud's own, as a StackSet furnishes them."""

import json
from collections.abc import Callable

from local.aws.administrators import administrator_of
from local.cloud import ROOT, EmbeddedCloud
from tools.templates import load_template

STACK = "eks-efs-provisioner-roles"


def roll_out_roles(cloud: EmbeddedCloud, account_id: str, **parameters: str) -> Callable[[], None]:
    """accounts/target.yaml, as a StackSet deploys it. Returns what takes the roles away again; what they made stays."""
    client = cloud.server.client("cloudformation", credentials=administrator_of(account_id))
    client.create_stack(
        StackName=STACK,
        TemplateBody=json.dumps(load_template(ROOT / "accounts" / "target.yaml")),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )

    def take_away() -> None:
        with cloud.server.instantly():
            client.delete_stack(StackName=STACK)

    return take_away
