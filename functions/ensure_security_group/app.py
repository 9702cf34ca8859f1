"""State "Ensure security group": NFS from the private subnets to the mount targets, wherever these are."""

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
    return mounted.ensure_security_group(request, network, Target.of(request)).payload()
