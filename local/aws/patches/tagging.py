"""Resource Groups Tagging API: everything that has a tag, and for a while what had one before it was deleted.

moto lacks: what is in our own EKS; addresses, endpoints and network ACLs of EC2; resources that are gone and still
listed, as aws-cli#4173, #8197 and boto3#3341 have seen them for minutes and hours; it lists for ever what EC2 still
describes as deleted. Source: Resource Groups Tagging API, GetResources ("tagged or previously tagged").
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from moto.core.resource_tagging import TaggedResource, iter_taggable_backends, make_tag_matcher, match_resource_type
from moto.core.responses import BaseResponse
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE
from moto.resourcegroupstaggingapi.models import ResourceGroupsTaggingAPIBackend

from local.aws.eks import resources_of
from local.aws.eks_state import AccessEntry, clusters_of

if TYPE_CHECKING:
    from local.aws.server import AwsServer

LISTED_SECONDS = 600.0
DELETING = ("Delete", "Release", "Terminate")
TYPES = {"logs:loggroup": "logs:log-group"}
"""As Resource Groups names them where moto does not."""

EC2_TYPES = {"eipalloc": "elastic-ip", "nat": "natgateway"}
"""As EC2's model names, by prefix, what has tags and moto calls otherwise: ResourceType."""


class Index:
    """What is known of one account and region, and since when it is gone."""

    def __init__(self) -> None:
        self.known: dict[str, TaggedResource] = {}
        self.gone: dict[str, float] = {}

    def note(self, present: Iterator[TaggedResource], remembered_seconds: float) -> None:
        now = time.monotonic()
        there = {resource.arn: resource for resource in present}
        self.gone = {arn: self.gone.get(arn, now) for arn in self.known if arn not in there}
        self.gone = {arn: since for arn, since in self.gone.items() if now - since < remembered_seconds}
        self.known = {arn: self.known[arn] for arn in self.gone} | there


def install(server: AwsServer) -> None:
    indexes: dict[tuple[str, str], Index] = {}
    call = BaseResponse.call_action

    def noted(account_id: str, region: str) -> Index:
        index = indexes.setdefault((account_id, region), Index())
        index.note(_present(account_id, region), server.scaled(LISTED_SECONDS))
        return index

    def call_action(self: BaseResponse) -> Any:
        if self._get_action().startswith(DELETING):
            noted(self.current_account, self.region)
        return call(self)

    def resources(
        self: ResourceGroupsTaggingAPIBackend,
        tag_filters: list[dict[str, Any]] | None = None,
        resource_type_filters: list[str] | None = None,
        resource_arn_list: list[str] | None = None,
    ) -> Iterator[TaggedResource]:
        has_tags = make_tag_matcher(tag_filters)
        for resource in noted(self.account_id, self.region_name).known.values():
            of_type = match_resource_type(resource.resource_type, resource_type_filters)
            if of_type and has_tags(resource.tags) and resource.arn in (resource_arn_list or [resource.arn]):
                yield resource

    EC2_PREFIX_TO_RESOURCE.update(EC2_TYPES)
    for owner, name, patch in (
        (BaseResponse, "call_action", call_action),
        (ResourceGroupsTaggingAPIBackend, "_get_resources_generator", resources),
    ):
        setattr(owner, name, patch)


def _present(account_id: str, region: str) -> Iterator[TaggedResource]:
    for backend in iter_taggable_backends(account_id, region):
        for resource in backend.iter_tagged_resources():
            if resource.tags and not (isinstance(backend, EC2Backend) and _is_deleted(backend, resource)):
                kind = TYPES.get(resource.resource_type, resource.resource_type)
                yield TaggedResource(resource.arn, dict(resource.tags), kind)
    yield from _of_ec2(ec2_backends[account_id][region])
    yield from _of_eks(account_id, region)


def _is_deleted(ec2: EC2Backend, resource: TaggedResource) -> bool:
    """What EC2 describes for an hour more."""
    resource_id = resource.arn.rpartition("/")[2]
    match resource.resource_type:
        case "ec2:natgateway":
            return bool(ec2.nat_gateways[resource_id].state == "deleted")
        case "ec2:vpc-peering-connection":
            return bool(ec2.vpc_pcxs[resource_id]._status.code == "deleted")
        case "ec2:instance":
            return bool(ec2.get_instance(resource_id)._state.name == "terminated")
        case _:
            return False


def _of_ec2(ec2: EC2Backend) -> Iterator[TaggedResource]:
    by_type = {
        "elastic-ip": [str(address.allocation_id) for address in ec2.addresses if address.allocation_id],
        "vpc-endpoint": list(ec2.vpc_end_points),
        "network-acl": list(ec2.network_acls),
    }
    for kind, ids in by_type.items():
        for resource_id in ids:
            if tags := dict(ec2.tags.get(resource_id, {})):
                arn = f"arn:{ec2.partition}:ec2:{ec2.region_name}:{ec2.account_id}:{kind}/{resource_id}"
                yield TaggedResource(arn, tags, f"ec2:{kind}")


def _of_eks(account_id: str, region: str) -> Iterator[TaggedResource]:
    """Access entries are tagged, and not among what Resource Groups says it supports."""
    for cluster in list(clusters_of(account_id, region).values()):
        for resource in resources_of(cluster):
            if resource.tags and not isinstance(resource, AccessEntry):
                kind = resource.arn.split(":")[5].partition("/")[0]
                yield TaggedResource(resource.arn, dict(resource.tags), f"eks:{kind}")
