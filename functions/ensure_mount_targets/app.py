"""State "Ensure mount targets": the file system's address in every zone."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import Target
from provisioner.handler import function_handler
from provisioner.request import Request
from provisioner.resources import mounted
from provisioner.resources.vpc import Network


@function_handler
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    request = Request.model_validate(event["request"])
    network = Network.from_payload(event["network"])
    security_group_id, file_system_id = event["security_group_id"], event["file_system_id"]
    return mounted.ensure_mount_targets(
        request, network, security_group_id, file_system_id, Target.of(request)
    ).payload()
