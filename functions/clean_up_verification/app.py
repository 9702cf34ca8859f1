"""State "Clean up verification": nothing that proofs have made in the cluster goes on running, and costing."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import Target
from provisioner.handler import function_handler
from provisioner.kubernetes import verification
from provisioner.kubernetes.client import kubernetes_api
from provisioner.request import Request


@function_handler
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    request = Request.model_validate(event["request"])
    return {"removed": verification.clean_up(kubernetes_api(Target.of(request), request.cluster.name))}
