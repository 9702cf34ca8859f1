"""State "Validate request": any trigger becomes one full request, or is refused before anything exists."""

import os
from functools import partial
from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner import volumes
from provisioner.aws.session import CLIENT_CONFIG
from provisioner.defaults import complete_request
from provisioner.fleet.units import known_path_to
from provisioner.handler import function_handler, logger
from provisioner.request import Request


def log_warnings(request: Request) -> None:
    for warning in request.warnings:
        logger().warning(warning, cluster=request.cluster.name)
    for why in volumes.warnings(request):
        logger().warning("volumes_are_not_apart", cluster=request.cluster.name, why=why)


@function_handler
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    request = complete_request(
        event["input"],
        own_account_id=context.invoked_function_arn.split(":")[4],
        own_region=os.environ["AWS_REGION"],
        stack_defaults=os.environ["STACK_DEFAULTS"],
        ssm=boto3.client("ssm", config=CLIENT_CONFIG),
        defaults_parameter=os.environ["DEFAULTS_PARAMETER"],
        path_to=partial(known_path_to, organizations=boto3.client("organizations", config=CLIENT_CONFIG)),
        located=event["located"],
        functions_in_vpc=os.environ["FUNCTIONS_IN_VPC"] == "true",
    )
    log_warnings(request)
    return request.model_dump(mode="json")
