"""State "Remove file system": mount targets and their group; the file system if its data are given up, else kept."""

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import Target
from provisioner.handler import function_handler
from provisioner.removal import file_system
from provisioner.removal.existing import Existing
from provisioner.request import Request


@function_handler
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    request = Request.model_validate(event["request"])
    target, existing = Target.of(request, role="remover"), Existing.of(event["existing"])
    file_system_id, delete_data, now = event["file_system_id"], event["delete_data"] is True, datetime.now(UTC)
    return file_system.remove(
        request, target, existing, file_system_id=file_system_id, delete_data=delete_data, now=now
    ).payload()
