"""State "Find existing": what was there before a run, so that a roll-back leaves it alone; nothing is touched."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import Target
from provisioner.handler import function_handler
from provisioner.removal.existing import find_existing
from provisioner.request import Request


@function_handler
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    request = Request.model_validate(event["request"])
    return find_existing(request, Target.of(request, role="inspector"))
