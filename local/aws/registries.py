"""Image registries as a Fargate node meets them: over NAT, through an endpoint, or not at all.

Source of the texts: terraform-aws-eks#1476 and eks-workshop-v2#673 (no way out), kata-containers#10109 (rate limit),
containerd's docker resolver (no credentials).
"""

import re
from collections.abc import Sequence

from moto.ec2.models import EC2Backend
from moto.ec2.models.subnets import Subnet
from moto.ecr.models import ecr_backends

from local.aws import network
from local.aws.permissions.identity import statements_of
from local.aws.policies import verdict
from local.kubernetes.interfaces import PullRefused

ADDRESSES = {"public.ecr.aws": "99.83.145.10", "registry-1.docker.io": "34.226.69.105"}
OTHER_ADDRESS = "52.219.1.10"
PRIVATE_ECR = re.compile(r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?")
PULLING = (
    "ecr:GetAuthorizationToken",
    "ecr:BatchCheckLayerAvailability",
    "ecr:GetDownloadUrlForLayer",
    "ecr:BatchGetImage",
)
"""Source: EKS user guide, "Amazon EKS Pod execution IAM role"; AmazonEKSFargatePodExecutionRolePolicy."""

EXHAUSTED: set[tuple[str, str]] = set()
"""(VPC, registry): what its NAT gateway's address may pull in these hours has been pulled."""


def check_pull(ec2: EC2Backend, subnet: Subnet, group_ids: Sequence[str], registry: str, path: str) -> None:
    """Raises PullRefused when a node of the subnet and the groups gets no answer, or one that refuses."""
    host = "registry-1.docker.io" if registry == "docker.io" else registry
    repository, _, tag = path.partition(":")
    url = f"https://{host}/v2/{repository}/manifests/{tag.removeprefix('@') or 'latest'}"
    by_endpoint = PRIVATE_ECR.fullmatch(host) is not None and network.reaches_endpoint(ec2, subnet, "ecr.dkr")
    if not by_endpoint and network.public_address(ec2, subnet, group_ids) is None:
        address = ADDRESSES.get(host, OTHER_ADDRESS)
        raise PullRefused(
            f'failed to resolve reference "{registry}/{path}": failed to do request: Head "{url}": '
            f"dial tcp {address}:443: i/o timeout"
        )
    if (str(subnet.vpc_id), host) in EXHAUSTED:
        raise PullRefused(
            f"failed to copy: httpReadSeeker: failed open: unexpected status code {url}: 429 Too Many Requests - "
            "Server message: toomanyrequests: You have reached your pull rate limit. You may increase the limit by "
            "authenticating and upgrading: https://www.docker.com/increase-rate-limit"
        )


def check_layers(ec2: EC2Backend, subnet: Subnet, registry: str) -> None:
    """Raises PullRefused when the S3 endpoint on the way does not let ECR's layers through.

    Source: ECR user guide, "Create the Amazon S3 gateway endpoint": arn:aws:s3:::prod-<region>-starport-layer-bucket/*.
    """
    if PRIVATE_ECR.fullmatch(registry) is None:
        return
    region = registry.split(".")[3]
    bucket = f"prod-{region}-starport-layer-bucket"
    for policy in network.gateway_endpoint_policies(ec2, subnet, "s3"):
        if verdict(policy, "s3:GetObject", {}, f"arn:aws:s3:::{bucket}/layer") != "allow":
            host = f"https://{bucket}.s3.{region}.amazonaws.com"
            signed = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Security-Token=not-for-reports&X-Amz-Signature=0f1e2d3c"
            raise PullRefused(
                f"failed to copy: httpReadSeeker: failed open: unexpected status code {host}/0a1b/2c3d?{signed}: "
                "403 Forbidden"
            )


def _is_shared(registry: str, repository: str) -> bool:
    account, region = registry[:12], registry.split(".")[3]
    known = ecr_backends[account][region].repositories.get(repository)
    return known is not None and bool(known.policy)


def check_rights(role_arn: str, registry: str, path: str) -> None:
    """Raises PullRefused when the pod execution role may not pull from an account's own registry.

    Another account's registry lets in whom the repository's policy names.
    Source: ECR user guide, "Private repository policies"; aws-samples/bedrock-access-gateway#114.
    """
    if PRIVATE_ECR.fullmatch(registry) is None:
        return
    if registry[:12] != role_arn.split(":")[4] and not _is_shared(registry, path.partition(":")[0]):
        repository, _, tag = path.partition(":")
        url = f"https://{registry}/v2/{repository}/manifests/{tag or 'latest'}"
        raise PullRefused(
            f'failed to resolve reference "{registry}/{path}": unexpected status from HEAD request to '
            f"{url}: 403 Forbidden"
        )
    statements = list(statements_of(role_arn))
    if any(verdict(statements, action, {}, "*") != "allow" for action in PULLING):
        raise PullRefused(
            f'failed to resolve reference "{registry}/{path}": pull access denied, repository does not exist or may '
            "require authorization: authorization failed: no basic auth credentials"
        )
