"""State "Store evidence": the proof is kept and signed, with a page that people can read; nothing is Ready without."""

import os
from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import CLIENT_CONFIG
from provisioner.handler import function_handler
from provisioner.report.attestation import EvidenceKey
from provisioner.report.storage import ReportStore


@function_handler
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    store = ReportStore(
        os.environ["EVIDENCE_BUCKET"],
        boto3.client("s3", config=CLIENT_CONFIG),
        boto3.client("stepfunctions", config=CLIENT_CONFIG),
    )
    key = EvidenceKey(os.environ["EVIDENCE_KEY"], boto3.client("kms", config=CLIENT_CONFIG))
    return store.keep_proof(event["execution_arn"], event["request"], event["detail"], key)
