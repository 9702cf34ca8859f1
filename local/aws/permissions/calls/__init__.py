"""Every call that the application makes -> what it needs, by botocore's `service:Operation`."""

from local.aws.permissions.calls import cloudformation, ec2, efs, eks, logs, s3, serverless
from local.aws.permissions.demand import Demands

CALLS: dict[str, Demands] = {
    name: demands
    for service in (cloudformation, ec2, efs, eks, logs, s3, serverless)
    for name, demands in service.CALLS.items()
}

__all__ = ["CALLS"]
