"""State "Ensure file system": the EFS file system and, when asked for, its access point."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import Target
from provisioner.handler import function_handler
from provisioner.request import Request
from provisioner.resources import mounted


@function_handler
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    request = Request.model_validate(event["request"])
    return mounted.ensure_file_system(request, Target.of(request)).payload()
