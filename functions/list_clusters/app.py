"""State "List clusters": every recorded cluster that can be checked now becomes an item of the fleet's map."""

import os
from datetime import UTC, datetime
from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import CLIENT_CONFIG
from provisioner.claim import ClaimsTable
from provisioner.fleet.clusters import ClusterList
from provisioner.fleet.request import fleet_request
from provisioner.handler import function_handler


@function_handler
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    asked = fleet_request(event["input"], os.environ)
    claims = ClaimsTable(
        os.environ["CLAIMS_TABLE"],
        boto3.client("dynamodb", config=CLIENT_CONFIG),
        boto3.client("stepfunctions", config=CLIENT_CONFIG),
    )
    clusters = ClusterList(os.environ["EVIDENCE_BUCKET"], boto3.client("s3", config=CLIENT_CONFIG), claims)
    return clusters.write(asked, event["execution_arn"], datetime.now(UTC))
