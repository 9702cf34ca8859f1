"""Everything in AWS that belongs to a request, in the order in which provision acts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from provisioner.aws.session import Target, of_file_system
from provisioner.difference import Inspected
from provisioner.request import CreatedNetwork, Request
from provisioner.resources import (
    access_point,
    access_point_drift,
    cluster,
    cluster_access,
    cluster_access_drift,
    cluster_dns,
    cluster_dns_drift,
    cluster_drift,
    cluster_logs,
    cluster_logs_drift,
    fargate_profile,
    fargate_profile_drift,
    file_system,
    file_system_drift,
    functions_way_drift,
    lent_file_system,
    lent_file_system_drift,
    mount_targets,
    mount_targets_drift,
    network_drift,
    network_stack,
    peer,
    peer_drift,
    pods_access_drift,
    pods_group_drift,
    role_boundary_drift,
    security_group,
    security_group_drift,
    versions,
)
from provisioner.resources.functions_access import OUTSIDE, Functions
from provisioner.resources.network_drift import NetworkState
from provisioner.resources.peer_ways import View
from provisioner.resources.versions import Support
from provisioner.resources.vpc import Network

if TYPE_CHECKING:
    from mypy_boto3_eks.type_defs import ClusterTypeDef


@dataclass(frozen=True)
class Infrastructure:
    """DNS is a part of its own: provision ensures it after the storage objects."""

    network: list[Inspected]
    cluster: list[Inspected]
    storage: list[Inspected]
    dns: list[Inspected]
    support: Mapping[str, Any] | None = None
    """Until when EKS supports the version that the cluster runs, as `Support.payload` tells; None if nobody knows."""

    @property
    def inspected(self) -> list[Inspected]:
        return [*self.network, *self.cluster, *self.storage, *self.dns]


def infrastructure(
    request: Request,
    target: Target,
    functions: Functions = OUTSIDE,
    *,
    proven_resolvers: Sequence[str] | None = None,
) -> Infrastructure:
    """Each resource with what it is not. Only reads: about 37 calls. `proven_resolvers`: see network_drift.

    `functions`: where those are that are to reach the cluster's endpoint.

    Raises: ClientError; TerminalError UNSUITABLE_NETWORK when there is no network and the region has too few zones.
    """
    ec2, cloudformation, eks = target.client("ec2"), target.client("cloudformation"), target.client("eks")
    state = network_drift.inspect(request, ec2, cloudformation, proven_resolvers=proven_resolvers)
    found = cluster.find(request, eks)
    support = versions.support_of(found["version"], eks) if found is not None and found["status"] == "ACTIVE" else None
    of_cluster, dns = _cluster(request, target, state.network, found, support)
    of_cluster += role_boundary_drift.inspect(target)
    if found is not None and found["status"] == "ACTIVE":
        of_cluster += functions_way_drift.inspect(request, functions, found, ec2)
    told = support.payload(cluster.upgrade_policy_of(found)) if found is not None and support is not None else None
    return Infrastructure(state.inspected, of_cluster, _storage(request, target, state), dns, told)


def wanted_policies(request: Request, target: Target) -> dict[str, str]:
    """Principal's ARN -> ARN of its access policy, as state "Ensure cluster access" has it."""
    return cluster_access.wanted_policies(
        request,
        provisioner_role_arn=target.role_arn("provisioner"),
        inspector_role_arn=target.role_arn("inspector"),
        remover_role_arn=target.role_arn("remover"),
        partition=target.partition,
    )


def _cluster(
    request: Request, target: Target, network: Network | None, found: "ClusterTypeDef | None", support: Support | None
) -> tuple[list[Inspected], list[Inspected]]:
    """The cluster and what is inside it, DNS last; nothing inside a cluster that is there and not ACTIVE."""
    eks, iam, logs = target.client("eks"), target.client("iam"), target.client("logs")
    looked_at = cluster_drift.inspect(request, network, found, support, role_arn=target.role_arn("cluster"))
    if found is not None and found["status"] != "ACTIVE":
        return [looked_at], []
    group = cluster_logs.find(request, logs)
    kept = cluster_logs_drift.inspect(request, group, cluster_logs.tags_of(group, logs) if group else {})
    entries = [
        cluster_access_drift.inspect(request, principal_arn, policy_arn, eks, iam)
        if found
        else cluster_access_drift.inspect_missing(principal_arn)
        for principal_arn, policy_arn in wanted_policies(request, target).items()
    ]
    pods_role_arn = target.role_arn("fargate-pods")
    running = fargate_profile.find_all(request, eks) if found else []
    profiles = fargate_profile_drift.inspect(request, network, running, pods_role_arn)
    # A profile of another role is the difference, not that role's access.
    runs_as_ours = any(each["podExecutionRoleArn"] == pods_role_arn and each["status"] == "ACTIVE" for each in running)
    nodes = [pods_access_drift.inspect(request, pods_role_arn, eks, iam)] if runs_as_ours else []
    groups = pods_group_drift.inspect(request, found, network, target.client("ec2"))
    addon = cluster_dns.find(request, eks) if found else None
    can_run = not any(each.differences for each in (*profiles, *nodes))
    dns = cluster_dns_drift.inspect(request, addon, cluster_dns.profile_of(request, running), can_run=can_run)
    inside = [looked_at.resource]
    return [looked_at, *(each.within(inside) for each in (kept, *entries, *profiles, *nodes, *groups))], [
        dns.within(inside)
    ]


def _lent(request: Request, target: Target, state: NetworkState) -> list[Inspected]:
    """What another account has, and the ways to it."""
    wanted, network, ec2 = request.file_system.peer, state.network, target.client("ec2")
    theirs = of_file_system(request, target)
    lender = View(theirs.account_id, theirs.client("ec2"))
    found = lent_file_system.look(request, network, theirs.client("efs"), lender.ec2, ec2)
    ways = peer_drift.inspect(wanted, network, request.account_id, ec2, lender) if wanted and network else []
    return [
        *(each.within(state.enclosing) for each in ways),
        lent_file_system_drift.inspect(request, found),
    ]


def _storage(request: Request, target: Target, state: NetworkState) -> list[Inspected]:
    if request.lender:
        return _lent(request, target, state)
    ec2, efs, network = target.client("ec2"), target.client("efs"), state.network
    group = security_group.find(request, network, ec2) if network else None
    found = file_system.find(request, efs)
    looked_at = file_system_drift.inspect(request, found, efs)
    zones = network
    if state.is_missing and isinstance(request.network, CreatedNetwork):
        zones = network_stack.planned(request.network, request.region, ec2)
    wanted = request.file_system.peer
    mounts = peer.find(wanted, ec2) if wanted else zones
    ways = peer_drift.inspect(wanted, network, request.account_id, ec2) if wanted and network else []
    points: list[Inspected] = []
    targets: list[Inspected] = []
    for one in request.of_each_volume:
        if one.storage.access_point is not None:
            point = access_point.find(one, found["FileSystemId"], efs) if found else None
            points.append(access_point_drift.inspect(one, one.storage.access_point, point))
    if mounts is not None and not file_system_drift.is_going(found):
        existing = mount_targets.find(found["FileSystemId"], efs) if found else {}
        targets = mount_targets_drift.inspect(mounts, group["GroupId"] if group else None, existing, efs)
    inside = [looked_at.resource]
    return [
        *(each.within(state.enclosing) for each in ways),
        security_group_drift.inspect(
            request, network, group or security_group_drift.find_elsewhere(request, ec2), is_whole=state.is_whole
        ).within(state.enclosing),
        looked_at,
        *(each.within(inside) for each in points),
        *(each.within(inside).within(state.enclosing) for each in targets),
    ]
