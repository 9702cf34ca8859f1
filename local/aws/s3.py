"""S3 reads bucket policies with their conditions, and buckets of stacks keep versions and are closed to the public.

moto applies a Deny whatever its condition says, and of a bucket in a template it takes the encryption and the tags.
"""

import json
from typing import Any

from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket, s3_backends
from moto.utilities.utils import get_partition

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
    create = FakeBucket.create_from_cloudformation_json.__func__  # type: ignore[attr-defined]

    def create_bucket(cls: Any, /, name: str, template: Any, account_id: str, region: str, **more: Any) -> FakeBucket:
        made: FakeBucket = create(cls, name, template, account_id, region, **more)
        properties = template.get("Properties", {})
        backend = s3_backends[account_id][get_partition(region)]
        if versioning := properties.get("VersioningConfiguration"):
            backend.put_bucket_versioning(name, versioning["Status"])
        if block := properties.get("PublicAccessBlockConfiguration"):
            backend.put_public_access_block(name, {each: str(value).lower() for each, value in block.items()})
        return made

    setattr(FakeBucket, "create_from_cloudformation_json", classmethod(create_bucket))  # noqa: B010


def get_permission(self: FakeBucket, action: str, resource: str) -> PermissionResult:
    if self.policy is None:
        return PermissionResult.NEUTRAL
    return RESULTS[decide(json.loads(self.policy), ANONYMOUS, action, CONTEXT, resource)]
