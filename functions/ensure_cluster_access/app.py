"""State "Ensure cluster access": access entries for the provisioner's role and the administrators."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import Target
from provisioner.handler import function_handler
from provisioner.request import Request
from provisioner.resources import cluster_access


@function_handler
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    request = Request.model_validate(event["request"])
    target = Target.of(request)
    return cluster_access.ensure(
        request,
        target.client("eks"),
        provisioner_role_arn=target.role_arn("provisioner"),
        partition=target.partition,
    ).payload()
