"""Access entries on their way out of a cluster that stays; with a cluster that goes they go by themselves."""

from collections.abc import Collection
from typing import TYPE_CHECKING

from provisioner.observation import Observation
from provisioner.request import Request
from provisioner.resources import cluster_access
from provisioner.resources.pods_access import ENTRY_TYPE

if TYPE_CHECKING:
    from mypy_boto3_eks import EKSClient


def find_all(request: Request, eks: "EKSClient") -> list[str]:
    """ARNs of the principals that have an access entry, whoever made it; none when the cluster is absent."""
    pages = eks.get_paginator("list_access_entries").paginate(clusterName=request.cluster.name)
    try:
        return [arn for page in pages for arn in page["accessEntries"]]
    except eks.exceptions.ResourceNotFoundException:
        return []


def remove(request: Request, kept: Collection[str], eks: "EKSClient", *, pods_role_arn: str, last: str) -> Observation:
    """Converge to no entry of ours but those `kept`; `last` is the remover's own, without which nothing else goes.

    EKS makes Fargate's entry with the profile and gives it no tag: it is known by the role.
    Source: EKS API, ListAccessEntries, DeleteAccessEntry.
    """
    entries = [arn for arn in find_all(request, eks) if arn not in kept]
    for principal_arn in sorted(entries, key=lambda arn: arn == last):
        entry = cluster_access.find(request, principal_arn, eks)
        if entry is None:
            continue
        is_fargates = principal_arn == pods_role_arn and entry.get("type") == ENTRY_TYPE
        if is_fargates or cluster_access.is_ours(request, entry):
            cluster_access.remove(request, principal_arn, eks)
    return Observation.ready_with()
