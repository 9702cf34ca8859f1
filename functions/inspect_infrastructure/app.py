"""State "Inspect infrastructure": what in AWS is no longer as it was asked for."""

import os
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import Target
from provisioner.difference import drift
from provisioner.handler import function_handler
from provisioner.inspection.infrastructure import infrastructure
from provisioner.request import Request
from provisioner.resources import throughput
from provisioner.resources.functions_access import Functions


@function_handler
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    request = Request.model_validate(event["request"])
    target, resolvers = Target.of(request, role="inspector"), event["proven"].get("network", {}).get("resolvers")
    found = infrastructure(request, target, Functions.of(os.environ), proven_resolvers=resolvers)
    return {
        "differences": [each.payload() for each in drift(found.inspected)],
        "support": found.support,
        "throughput": throughput.inspect(request, target, is_wanted=event["depth"] == "behaviour"),
    }
