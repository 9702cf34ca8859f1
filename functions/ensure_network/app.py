"""State "Ensure network": the VPC and its private subnets."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import Target
from provisioner.handler import function_handler
from provisioner.request import Request
from provisioner.resources import network


@function_handler
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    request = Request.model_validate(event["request"])
    target = Target.of(request)
    run = event["execution_arn"]
    return network.ensure(request, run, target.client("ec2"), target.client("cloudformation")).payload()
