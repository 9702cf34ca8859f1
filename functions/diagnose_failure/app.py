"""State "Diagnose failure": the failure and the live state become ranked causes, each proved, possible or refuted."""

import os
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import Target
from provisioner.diagnosis.entry import causes_of
from provisioner.handler import function_handler, logger
from provisioner.kubernetes.client import kubernetes_api
from provisioner.resources.functions_access import Functions


@function_handler
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    causes = [
        cause.model_dump(mode="json") for cause in causes_of(event, Target.of, kubernetes_api, Functions.of(os.environ))
    ]
    logger().info(
        "failure_diagnosed", diagnosis=[{key: each[key] for key in ("rule", "verdict", "fix")} for each in causes]
    )
    return {"diagnosis": causes}
