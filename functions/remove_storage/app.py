"""State "Remove storage": claim and volume let go of the file system while there is a cluster; the data stays."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import Target
from provisioner.handler import function_handler
from provisioner.removal import storage
from provisioner.removal.existing import Existing
from provisioner.request import Request


@function_handler
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    request = Request.model_validate(event["request"])
    target, existing = Target.of(request, role="remover"), Existing.of(event["existing"])
    return storage.remove(request, target, existing).payload()
