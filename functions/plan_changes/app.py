"""State "Plan changes": what a run would create or change, and what only a person can; nothing is touched."""

import os
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import Target
from provisioner.handler import function_handler
from provisioner.inspection.plan import plan
from provisioner.request import Request
from provisioner.resources.functions_access import Functions


@function_handler
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    request = Request.model_validate(event["request"])
    return plan(request, Target.of(request, role="inspector"), Functions.of(os.environ)).payload()
