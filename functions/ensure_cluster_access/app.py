"""State "Ensure cluster access": access entries for the administrators and for the program's own roles; its way in."""

import os
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import Target
from provisioner.handler import function_handler
from provisioner.request import Request
from provisioner.resources import cluster_access, functions_access
from provisioner.resources.functions_access import Functions


@function_handler
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    request = Request.model_validate(event["request"])
    target = Target.of(request)
    wanted = cluster_access.wanted_policies(
        request,
        provisioner_role_arn=target.role_arn("provisioner"),
        inspector_role_arn=target.role_arn("inspector"),
        remover_role_arn=target.role_arn("remover"),
        partition=target.partition,
    )
    functions_access.ensure(request, Functions.of(os.environ), target.client("eks"), target.client("ec2"))
    return cluster_access.ensure(request, wanted, target.client("eks"), target.client("iam")).payload()
