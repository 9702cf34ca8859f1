"""State "Locate account": the unit of an event's account, whose defaults apply, and the cluster that it has already."""

import os
from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import CLIENT_CONFIG
from provisioner.events import asked_by
from provisioner.fleet.located_account import AccountSources, locate
from provisioner.fleet.request import listed
from provisioner.handler import function_handler


@function_handler
def lambda_handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    sources = AccountSources(
        boto3.client("organizations", config=CLIENT_CONFIG),
        boto3.client("ssm", config=CLIENT_CONFIG),
        os.environ["DEFAULTS_PARAMETER"],
        boto3.client("dynamodb", config=CLIENT_CONFIG),
        os.environ["CLAIMS_TABLE"],
        listed(os.environ["LEFT_OUT"]),
    )
    return locate(asked_by(event["input"]), sources).payload()
