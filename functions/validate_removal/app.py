"""State "Validate removal": the recorded cluster that is meant, or a refusal before anything is touched."""

import os
from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import CLIENT_CONFIG
from provisioner.handler import function_handler
from provisioner.removal.request import removal


@function_handler
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    dynamodb = boto3.client("dynamodb", config=CLIENT_CONFIG)
    return removal(event["input"], dynamodb, os.environ["CLAIMS_TABLE"]).payload()
