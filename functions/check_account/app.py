"""State "Check account": what would end the run later ends it here, before anything is created."""

import os
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import Target
from provisioner.handler import function_handler, logger
from provisioner.request import Request
from provisioner.resources import account
from provisioner.resources.functions_access import Functions


@function_handler
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    request = Request.model_validate(event["request"])
    warnings = account.check(request, Target.of(request), Functions.of(os.environ))
    logger().info("account_checked", warnings=warnings)
    return {"warnings": warnings}
