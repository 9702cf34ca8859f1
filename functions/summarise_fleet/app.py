"""State "Summarise fleet": the results of all checks become counts, and a list of what somebody has to look at."""

from datetime import UTC, datetime
from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import CLIENT_CONFIG
from provisioner.fleet.summary import summarise
from provisioner.handler import add_counts, function_handler


@function_handler
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    s3 = boto3.client("s3", config=CLIENT_CONFIG)
    summary = summarise(event["listed"], event["results"], s3, datetime.now(UTC).date())
    add_counts(summary.metrics)
    return summary.payload()
