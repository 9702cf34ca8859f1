"""Makes moto's S3 read bucket policies with their conditions; moto applies a Deny whatever its condition says."""

import json

from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket

from local.aws.interfaces import Cloud
from local.aws.policies import ANONYMOUS, decide

# Plain HTTP on the loopback interface stands in for the HTTPS of AWS's endpoints, which boto3 uses by itself.
CONTEXT = {"aws:SecureTransport": "true"}
RESULTS = {
    "allow": PermissionResult.PERMITTED,
    "explicit deny": PermissionResult.DENIED,
    "implicit deny": PermissionResult.NEUTRAL,
}


def install(cloud: Cloud) -> None:
    """Replaces the bucket's own decision; statements that name a principal match nobody (ours name everybody)."""
    setattr(FakeBucket, "get_permission", get_permission)  # noqa: B010


def get_permission(self: FakeBucket, action: str, resource: str) -> PermissionResult:
    if self.policy is None:
        return PermissionResult.NEUTRAL
    return RESULTS[decide(json.loads(self.policy), ANONYMOUS, action, CONTEXT, resource)]
