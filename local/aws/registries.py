"""Image registries as a Fargate node meets them: over NAT, through an endpoint, or not at all.

Source of the texts: terraform-aws-eks#1476 and eks-workshop-v2#673 (no way out), kata-containers#10109 (rate limit),
containerd's docker resolver (no credentials).
"""

import re

from moto.ec2.models import EC2Backend
from moto.ec2.models.subnets import Subnet

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


def check_pull(ec2: EC2Backend, subnet: Subnet, registry: str, path: str) -> None:
    """Raises PullRefused when a node of the subnet gets no answer from the registry, or one that refuses."""
    host = "registry-1.docker.io" if registry == "docker.io" else registry
    repository, _, tag = path.partition(":")
    url = f"https://{host}/v2/{repository}/manifests/{tag.removeprefix('@') or 'latest'}"
    by_endpoint = PRIVATE_ECR.fullmatch(host) is not None and network.reaches_endpoint(ec2, subnet, "ecr.dkr")
    if not by_endpoint and not network.reaches_internet(ec2, subnet):
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


def check_rights(role_arn: str, registry: str, path: str) -> None:
    """Raises PullRefused when the pod execution role may not pull from an account's own registry."""
    if PRIVATE_ECR.fullmatch(registry) is None:
        return
    statements = list(statements_of(role_arn))
    if any(verdict(statements, action, {}, "*") != "allow" for action in PULLING):
        raise PullRefused(
            f'failed to resolve reference "{registry}/{path}": pull access denied, repository does not exist or may '
            "require authorization: authorization failed: no basic auth credentials"
        )
