"""State "Ensure NAT gateways": the way out of a network that we made; somebody's VPC stays as it is."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import Target
from provisioner.handler import function_handler
from provisioner.request import Request
from provisioner.resources import nat_stack


@function_handler
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    request = Request.model_validate(event["request"])
    return nat_stack.ensure(request, event["execution_arn"], Target.of(request).client("cloudformation")).payload()
