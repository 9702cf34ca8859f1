"""State "Ensure Fargate profile": which pods run on Fargate."""

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import Target
from provisioner.handler import function_handler
from provisioner.request import Request
from provisioner.resources import fargate_profile
from provisioner.resources.vpc import Network


@function_handler
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    request = Request.model_validate(event["request"])
    network = Network.from_payload(event["network"])
    target = Target.of(request)
    eks, iam, role_arn = target.client("eks"), target.client("iam"), target.role_arn("fargate-pods")
    return fargate_profile.ensure(request, network, eks, iam, role_arn=role_arn, now=datetime.now(UTC)).payload()
