"""State "Remove network": the stack that was made for the cluster; somebody's VPC stays as it is."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import Target
from provisioner.handler import function_handler
from provisioner.removal import network
from provisioner.removal.existing import Existing
from provisioner.request import Request


@function_handler
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    request = Request.model_validate(event["request"])
    target, existing = Target.of(request, role="remover"), Existing.of(event["existing"])
    return network.remove(request, event["execution_arn"], target, existing).payload()
