"""State "Ensure cluster DNS": CoreDNS on Fargate."""

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import Target
from provisioner.handler import function_handler
from provisioner.request import Request
from provisioner.resources import cluster_dns


@function_handler
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    request = Request.model_validate(event["request"])
    return cluster_dns.ensure(request, Target.of(request).client("eks"), now=datetime.now(UTC)).payload()
