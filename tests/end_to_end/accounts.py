"""Other accounts of the embedded cloud, with the roles that the application becomes there."""

import json

from local.aws.deploy import load_template
from local.cloud import ROOT, EmbeddedCloud
from tests.administrators import administrator_of


def roll_out_roles(cloud: EmbeddedCloud, account_id: str, **parameters: str) -> None:
    """accounts/target.yaml, as a StackSet deploys it."""
    client = cloud.server.client("cloudformation", credentials=administrator_of(account_id))
    client.create_stack(
        StackName="eks-efs-provisioner-roles",
        TemplateBody=json.dumps(load_template(ROOT / "accounts" / "target.yaml")),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
