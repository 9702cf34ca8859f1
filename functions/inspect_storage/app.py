"""State "Inspect storage": which Kubernetes objects of the storage are no longer as they were asked for."""

import os
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import Target
from provisioner.difference import drift
from provisioner.handler import function_handler
from provisioner.inspection.objects import objects, strays
from provisioner.request import Request
from provisioner.resources.functions_access import Functions


@function_handler
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    request = Request.model_validate(event["request"])
    target = Target.of(request, role="inspector")
    differences = drift(objects(request, target, Functions.of(os.environ)))
    return {"differences": [each.payload() for each in differences], "strays": strays(request, target)}
