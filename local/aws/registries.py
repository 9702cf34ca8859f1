"""Image registries as a Fargate node meets them: over NAT, through an endpoint, or not at all.

Source of the texts: terraform-aws-eks#1476 and eks-workshop-v2#673 (no way out), kata-containers#10109 (rate limit),
containerd's docker resolver (no credentials), open-edge-platform/geti_v2#1668 (no token for nobody),
terraform-aws-eks#1064 (a name that no resolver knows).
"""

import contextlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_network

from moto.ec2.models import EC2Backend
from moto.ecr.models import ecr_backends

from local.aws import network
from local.aws.network import End
from local.aws.permissions.identity import statements_of
from local.aws.policies import ANONYMOUS, Caller, decide, verdict
from local.aws.vpc_endpoints import NoWay, Policy, policies_on_the_way
from local.kubernetes import images
from local.kubernetes.interfaces import PullRefused

ADDRESSES = {"public.ecr.aws": "99.83.145.10", "registry-1.docker.io": "34.226.69.105"}
OTHER_ADDRESS = "52.219.1.10"
GITHUB = "ghcr.io"
PUBLIC = {*ADDRESSES, "index.docker.io", GITHUB, "quay.io", "registry.k8s.io"}
"""Registries whose names everybody's resolver knows."""
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


@dataclass(frozen=True)
class Node:
    """Who pulls: its place in the network, and the pod execution role whose name it pulls in."""

    ec2: EC2Backend
    end: End
    role_arn: str


@dataclass(frozen=True)
class Image:
    registry: str
    path: str

    @property
    def host(self) -> str:
        return "registry-1.docker.io" if self.registry == "docker.io" else self.registry

    @property
    def repository(self) -> str:
        return self.path.partition(":")[0]

    @property
    def url(self) -> str:
        tag = self.path.partition(":")[2].removeprefix("@") or "latest"
        return f"https://{self.host}/v2/{self.repository}/manifests/{tag}"

    def unresolved(self, why: str) -> PullRefused:
        return PullRefused(f'failed to resolve reference "{self.registry}/{self.path}": {why}')

    def unreached(self, address: str | None = None) -> PullRefused:
        """A VPC endpoint's own address tells that its name led there. Source: terraform-aws-eks#1476."""
        return self.unreached_by(f"dial tcp {address or ADDRESSES.get(self.host, OTHER_ADDRESS)}:443: i/o timeout")

    def unreached_by(self, why: str) -> PullRefused:
        return self.unresolved(f'failed to do request: Head "{self.url}": {why}')


def pull(node: Node, registry: str, path: str) -> None:
    """Raises PullRefused when the node gets no answer from the registry, or one that refuses."""
    image = Image(registry, path)
    if PRIVATE_ECR.fullmatch(registry):
        _pull_from_ecr(node, image)
    elif image.host not in PUBLIC:
        raise image.unreached_by(f"dial tcp: lookup {image.host} on {_resolver(node)}:53: no such host")
    elif network.public_address(node.ec2, node.end.subnet, node.end.group_ids) is None:
        raise image.unreached()
    elif image.host == GITHUB:
        url = (
            f"https://{GITHUB}/token?scope=repository%3A{image.repository.replace('/', '%2F')}%3Apull&service={GITHUB}"
        )
        why = f"unexpected status from GET request to {url}: 401 Unauthorized"
        raise image.unresolved(f"failed to authorize: failed to fetch anonymous token: {why}")
    if (str(node.end.subnet.vpc_id), image.host) in EXHAUSTED:
        raise PullRefused(
            f"failed to copy: httpReadSeeker: failed open: unexpected status code {image.url}: 429 Too Many Requests - "
            "Server message: toomanyrequests: You have reached your pull rate limit. You may increase the limit by "
            "authenticating and upgrading: https://www.docker.com/increase-rate-limit"
        )


def _resolver(node: Node) -> str:
    """The VPC's own. Source: VPC user guide, "Amazon DNS server": at the base of its range plus two."""
    return str(ip_network(node.ec2.vpcs[node.end.subnet.vpc_id].cidr_block).network_address + 2)


def _pull_from_ecr(node: Node, image: Image) -> None:
    """A token from ECR's API, the manifest from the registry, the layers from S3: each has a way of its own.

    Without a token a node asks as nobody. Source: ECR user guide, "Amazon ECR interface VPC endpoints (AWS
    PrivateLink)"; of another account's registry, "Private repository policies", aws-samples/bedrock-access-gateway#114.
    EKS shares its own with all accounts: EKS user guide, "View Amazon container image registries".
    """
    account, region = image.registry[:12], image.registry.split(".")[3]
    partition = node.role_arn.split(":")[1]
    repository = f"arn:{partition}:ecr:{region}:{account}:repository/{image.repository}"
    try:
        to_registry = policies_on_the_way(node.ec2, node.end, "ecr.dkr")
    except NoWay as no_way:
        raise image.unreached(no_way.address) from None
    has_token = False
    with contextlib.suppress(NoWay):
        has_token = _allow(policies_on_the_way(node.ec2, node.end, "ecr.api"), node, PULLING[0], "*")
    statements = list(statements_of(node.role_arn))
    is_own = account == node.role_arn.split(":")[4]
    role_decides = is_own or images.is_coredns(f"{image.registry}/{image.repository}")
    if role_decides and not (has_token and all(verdict(statements, each, {}, "*") == "allow" for each in PULLING)):
        raise image.unresolved(
            "pull access denied, repository does not exist or may require authorization: authorization failed: no "
            "basic auth credentials"
        )
    if not (role_decides or _is_shared(image)) or not all(
        _allow(to_registry, node, each, repository) for each in PULLING[1:]
    ):
        raise image.unresolved(f"unexpected status from HEAD request to {image.url}: 403 Forbidden")
    _get_layers(node, region, partition)


def _get_layers(node: Node, region: str, partition: str) -> None:
    """Whose signature the layers' addresses bear nobody says: it is ECR's, not the role's.

    Source: ECR user guide, "Create the Amazon S3 gateway endpoint": arn:aws:s3:::prod-<region>-starport-layer-bucket/*.
    """
    bucket = f"prod-{region}-starport-layer-bucket"
    url = f"https://{bucket}.s3.{region}.amazonaws.com/0a1b/2c3d"
    try:
        policies = policies_on_the_way(node.ec2, node.end, "s3")
    except NoWay as no_way:
        raise PullRefused(
            f'failed to copy: httpReadSeeker: failed open: failed to do request: Get "{url}": dial tcp '
            f"{no_way.address or OTHER_ADDRESS}:443: i/o timeout"
        ) from None
    resource = f"arn:{partition}:s3:::{bucket}/layer"
    if any(decide(policy, ANONYMOUS, "s3:GetObject", {}, resource) != "allow" for policy in policies):
        signed = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Security-Token=not-for-reports&X-Amz-Signature=0f1e2d3c"
        raise PullRefused(
            f"failed to copy: httpReadSeeker: failed open: unexpected status code {url}?{signed}: 403 Forbidden"
        )


def _allow(policies: Iterable[Policy], node: Node, action: str, resource: str) -> bool:
    """What the endpoints on the way let the pod execution role do."""
    account = node.role_arn.split(":")[4]
    caller = Caller(arns=frozenset({node.role_arn, account, f"{node.role_arn.partition(':role/')[0]}:root"}))
    context = {"aws:PrincipalArn": node.role_arn, "aws:PrincipalAccount": account}
    return all(decide(policy, caller, action, context, resource) == "allow" for policy in policies)


def _is_shared(image: Image) -> bool:
    account, region = image.registry[:12], image.registry.split(".")[3]
    known = ecr_backends[account][region].repositories.get(image.repository)
    return known is not None and bool(known.policy)
