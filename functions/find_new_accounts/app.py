"""State "Find new accounts": the enrolled accounts that have no cluster yet, whose event may never have come."""

import os
from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import CLIENT_CONFIG
from provisioner.fleet.new_accounts import find_new_accounts
from provisioner.fleet.request import enrolled_units, listed
from provisioner.handler import function_handler


@function_handler
def lambda_handler(_event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    return find_new_accounts(
        boto3.client("organizations", config=CLIENT_CONFIG),
        enrolled_units(os.environ),
        boto3.client("dynamodb", config=CLIENT_CONFIG),
        os.environ["CLAIMS_TABLE"],
        listed(os.environ["LEFT_OUT"]),
    )
