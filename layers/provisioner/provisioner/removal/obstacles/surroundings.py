"""Where in the network a removal looks around, and how it tells what is ours there."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from provisioner.fields import OWNER_TAG
from provisioner.request import Request

HOLDS: Final = "{vpc} does not go before it"
VPC_GUIDE: Final = "VPC user guide, Delete your VPC; re:Post, Why can't I delete my VPC (DependencyViolation)"


@dataclass(frozen=True)
class Surroundings:
    """`vpc_goes`: it was made for the cluster; `group_id` is the mount targets' group; `cluster_group_id` EKS's own;
    `mount_target_interfaces` are those that go with the mount targets.
    """

    request: Request
    vpc_id: str
    vpc_goes: bool
    group_id: str | None
    cluster_group_id: str | None
    mount_target_interfaces: frozenset[str]


def is_ours(around: Surroundings, tags: Iterable[Any]) -> bool:
    """CloudFormation hands a stack's tags down to what it makes (user guide, "Resource tag")."""
    return tags_of(tags).get(OWNER_TAG) == around.request.cluster.name


def tags_of(tags: Iterable[Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def in_vpc(around: Surroundings) -> Any:
    return [{"Name": "vpc-id", "Values": [around.vpc_id]}]
