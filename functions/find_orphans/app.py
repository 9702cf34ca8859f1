"""State "Find orphans": what carries our tag in enrolled accounts and belongs to no record; nothing is removed."""

import os
from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import CLIENT_CONFIG
from provisioner.fleet.orphans import find_orphans
from provisioner.fleet.request import enrolled_units
from provisioner.handler import function_handler


@function_handler
def lambda_handler(_event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    return find_orphans(
        boto3.client("dynamodb", config=CLIENT_CONFIG),
        os.environ["CLAIMS_TABLE"],
        boto3.client("organizations", config=CLIENT_CONFIG),
        enrolled_units(os.environ),
        os.environ["AWS_REGION"],
    ).payload()
