"""State "Claim cluster": this execution gets the cluster, to make or to remove it, or learns which one has it."""

import os
from datetime import UTC, datetime
from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import CLIENT_CONFIG
from provisioner.claim import ClaimsTable
from provisioner.handler import function_handler
from provisioner.request import Request


@function_handler
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    request = Request.model_validate(event["request"])
    claims = ClaimsTable(
        os.environ["CLAIMS_TABLE"],
        boto3.client("dynamodb", config=CLIENT_CONFIG),
        boto3.client("stepfunctions", config=CLIENT_CONFIG),
    )
    return claims.claim(request, event["execution_arn"], datetime.now(UTC), why=event["why"]).payload()
