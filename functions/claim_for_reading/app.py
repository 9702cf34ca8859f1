"""State "Claim for reading": the recorded cluster is ours to look at, or is left alone."""

import os
from datetime import UTC, datetime
from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner import checking
from provisioner.aws.session import CLIENT_CONFIG
from provisioner.claim import ClaimsTable
from provisioner.handler import function_handler


@function_handler
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    own_account_id = context.invoked_function_arn.split(":")[4]
    defaults = {"account_id": own_account_id, "region": os.environ["AWS_REGION"]}
    asked = checking.asked_for(checking.CheckRequest, event["input"], defaults)
    claims = ClaimsTable(
        os.environ["CLAIMS_TABLE"],
        boto3.client("dynamodb", config=CLIENT_CONFIG),
        boto3.client("stepfunctions", config=CLIENT_CONFIG),
    )
    return checking.begin(asked, claims, event["execution_arn"], datetime.now(UTC)).payload()
