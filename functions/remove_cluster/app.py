"""State "Remove cluster": add-on, Fargate profile, cluster with its access entries, and its logs if they are to go."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import Target
from provisioner.handler import function_handler
from provisioner.removal import cluster
from provisioner.removal.existing import Existing
from provisioner.request import Request


@function_handler
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    request = Request.model_validate(event["request"])
    target, existing = Target.of(request, role="remover"), Existing.of(event["existing"])
    return cluster.remove(request, target, existing, delete_logs=event["delete_logs"] is True).payload()
