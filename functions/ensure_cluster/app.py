"""State "Ensure cluster": the EKS cluster, and how long its control plane's logs are kept."""

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import Target
from provisioner.handler import function_handler
from provisioner.request import Request
from provisioner.resources import cluster, cluster_logs, security_group
from provisioner.resources.upgrade import Step
from provisioner.resources.vpc import Network


@function_handler
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    request = Request.model_validate(event["request"])
    network = Network.from_payload(event["network"])
    target = Target.of(request)
    eks, iam, role_arn = target.client("eks"), target.client("iam"), target.role_arn("cluster")
    groups = security_group.of_control_plane(request, network, target.client("ec2"))
    observation = cluster.ensure(
        request,
        network,
        eks,
        iam,
        role_arn=role_arn,
        now=datetime.now(UTC),
        security_group_ids=groups,
        step=Step.from_payload(event.get("upgrade")),
    )
    # After it: whose the cluster is decides whose the logs are.
    cluster_logs.ensure(request, target.client("logs"))
    return observation.payload()
