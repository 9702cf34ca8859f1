"""What the embedded cloud has under an ARN: resources whose tags decide, and whose ARN may end with a generated id."""

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from moto.cloudformation.models import cloudformation_backends
from moto.ec2.models import ec2_backends
from moto.efs.models import efs_backends

from local.aws import ec2_sharing
from local.aws.eks_state import AccessEntry, Addon, Cluster, FargateProfile, clusters_of
from local.aws.permissions.demand import tags_of


@dataclass(frozen=True)
class Existing:
    arn: str
    tags: Mapping[str, str]


def resource(arn: str) -> Existing | None:
    """`arn` may have `*` for a generated id. None of what is not there, or of a service without tags here."""
    service, region, account_id, name = arn.split(":", 5)[2:] if arn.count(":") >= 5 else ("", "", "", "")
    find = FINDERS.get(service)
    if find is None or name.split("/", 1)[-1].startswith("*"):
        return None
    with contextlib.suppress(LookupError):
        return find(arn, account_id, region, name)
    return None


def _of_ec2(arn: str, account_id: str, region: str, name: str) -> Existing:
    """What another account shares has its owner's account in its ARN. Source: EC2 API, Subnet.SubnetArn."""
    ec2, resource_id = ec2_backends[account_id][region], name.split("/", 1)[1]
    of_owner = arn.replace(f":{account_id}:", f":{ec2_sharing.owner_of(ec2, resource_id)}:")
    return Existing(of_owner, dict(ec2.tags.get(resource_id, {})))


def _of_efs(arn: str, account_id: str, region: str, name: str) -> Existing | None:
    backend, resource_id = efs_backends[account_id][region], name.split("/", 1)[1]
    if resource_id not in backend.file_systems_by_id and resource_id not in backend.access_points:
        return None
    return Existing(arn, tags_of(backend.list_tags_for_resource(resource_id)))


def _of_eks(arn: str, account_id: str, region: str, name: str) -> Existing | None:
    kind, cluster_name, *_ = name.split("/")
    cluster = clusters_of(account_id, region)[cluster_name]
    parts: dict[str, Iterable[Cluster | FargateProfile | Addon | AccessEntry]] = {
        "cluster": [cluster],
        "fargateprofile": cluster.profiles.values(),
        "addon": cluster.addons.values(),
        "access-entry": cluster.access_entries.values(),
    }
    return next((Existing(each.arn, each.tags) for each in parts[kind] if fnmatchcase(each.arn, arn)), None)


def _of_cloudformation(arn: str, account_id: str, region: str, _name: str) -> Existing | None:
    stacks = list(cloudformation_backends[account_id][region].stacks.values())
    return next((Existing(each.stack_id, each.tags or {}) for each in stacks if fnmatchcase(each.stack_id, arn)), None)


FINDERS: dict[str, Callable[[str, str, str, str], Existing | None]] = {
    "ec2": _of_ec2,
    "elasticfilesystem": _of_efs,
    "eks": _of_eks,
    "cloudformation": _of_cloudformation,
}
