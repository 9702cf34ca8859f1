"""State "Apply storage": the objects by which pods in the cluster find the file system."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import Target
from provisioner.handler import function_handler
from provisioner.kubernetes import storage
from provisioner.kubernetes.client import kubernetes_api
from provisioner.request import Request
from provisioner.resources import mount_targets


@function_handler
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    request = Request.model_validate(event["request"])
    api = kubernetes_api(Target.of(request), request.cluster.name)
    addresses = mount_targets.addresses_for(request, event["mount_targets"])
    return storage.ensure(request, api, event["file_system_id"], event["access_point_ids"], addresses).payload()
