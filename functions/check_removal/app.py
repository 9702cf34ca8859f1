"""State "Check removal": what would go, what would stay and why, and what is in the way; nothing is touched."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import Target
from provisioner.handler import function_handler
from provisioner.removal import inventory


@function_handler
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    wanted = inventory.Wanted.of(event["removal"])
    return inventory.check(wanted, Target.of(wanted.request, role="inspector")).payload()
