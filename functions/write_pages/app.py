"""State "Write pages": what somebody would rather look at than read as JSON, the index of all clusters last."""

import os
from datetime import UTC, datetime
from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import CLIENT_CONFIG
from provisioner.handler import function_handler
from provisioner.report.index import IndexStore
from provisioner.report.pages import Pages
from provisioner.report.storage import ReportStore


@function_handler
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    bucket, s3 = os.environ["EVIDENCE_BUCKET"], boto3.client("s3", config=CLIENT_CONFIG)
    pages = Pages(
        ReportStore(bucket, s3, boto3.client("stepfunctions", config=CLIENT_CONFIG)),
        IndexStore(bucket, s3, os.environ["CLAIMS_TABLE"], boto3.client("dynamodb", config=CLIENT_CONFIG)),
    )
    return pages.write(
        event["execution_arn"], event["request"], event["detail"], datetime.now(UTC), with_index=event["index"]
    )
