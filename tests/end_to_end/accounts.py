"""Other accounts of the embedded cloud, with the roles that the application becomes there."""

import json

from moto.iam.models import iam_backends

from local.aws.deploy import load_template
from local.aws.lambda_runtime import Credentials
from local.cloud import ROOT, EmbeddedCloud

EVERYTHING = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}


def administrator_of(cloud: EmbeddedCloud, account_id: str) -> Credentials:
    """An administrator's access key; the account's own API has nobody yet who could make one."""
    backend = iam_backends[account_id]["aws"]
    backend.create_user(cloud.region, "administrator")
    backend.put_user_policy("administrator", "everything", json.dumps(EVERYTHING))
    key = backend.create_access_key("administrator")
    return Credentials(key.access_key_id, key.secret_access_key, None)


def roll_out_roles(cloud: EmbeddedCloud, account_id: str, **parameters: str) -> None:
    """accounts/target.yaml, as a StackSet deploys it."""
    client = cloud.server.client("cloudformation", credentials=administrator_of(cloud, account_id))
    client.create_stack(
        StackName="eks-efs-provisioner-roles",
        TemplateBody=json.dumps(load_template(ROOT / "accounts" / "target.yaml")),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
