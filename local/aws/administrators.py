"""People with every permission in other accounts than the embedded cloud's own."""

import json

from moto.iam.models import iam_backends

from local.aws.lambda_runtime import Credentials
from local.aws.server import DEFAULT_REGION

EVERYTHING = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}


def administrator_of(account_id: str) -> Credentials:
    """The administrator's access key; the account's own API has nobody yet who could make one."""
    backend = iam_backends[account_id]["aws"]
    if "administrator" not in backend.users:
        backend.create_user(DEFAULT_REGION, "administrator")
        backend.put_user_policy("administrator", "everything", json.dumps(EVERYTHING))
        backend.create_access_key("administrator")
    key = backend.users["administrator"].access_keys[0]
    return Credentials(key.access_key_id, key.secret_access_key, None)
