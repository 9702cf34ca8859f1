"""Other accounts of the embedded cloud, with the roles that the application becomes there."""

import json
from collections.abc import Callable

from local.cloud import ROOT, EmbeddedCloud
from tests.administrators import administrator_of
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
    return lambda: client.delete_stack(StackName=STACK)
