"""State "Verify storage": pods write, are gone, and another pod reads every byte back; the evidence says so."""

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import Target
from provisioner.handler import function_handler
from provisioner.kubernetes import verification
from provisioner.kubernetes.client import kubernetes_api
from provisioner.kubernetes.proof import run_id_of
from provisioner.request import Request


@function_handler
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    request = Request.model_validate(event["request"])
    return verification.verify(
        request,
        kubernetes_api(Target.of(request), request.cluster.name),
        run_id_of(event["execution_arn"]),
        event["progress"],
        lambda: datetime.now(UTC),
        file_system_id=event["file_system_id"],
        access_point_ids=event["access_point_ids"],
        measured=event["measured"],
        throughput=event["throughput"],
    ).payload()
