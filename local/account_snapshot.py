"""Everything that the APIs of the embedded account list: the same before the first run and after the last removal.

But the tagging API, which lists for a while what is gone, and the vault of automatic backups, which AWS Backup makes.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from local.at_rest import wait_until_at_rest
from local.cloud import EmbeddedCloud

Lister = Callable[[Any], Iterator[str]]

_GONE: Final = ("deleted", "DELETE_COMPLETE", "DELETED", "deleting")


def snapshot(cloud: EmbeddedCloud) -> dict[str, list[str]]:
    """Kind -> ids, sorted, once what leaves by itself is gone: an interface goes later than the pod that had it."""
    wait_until_at_rest(cloud)
    return {
        f"{service}: {kind}": sorted(set(ids(cloud.client(service))))
        for service, kinds in _LISTED.items()
        for kind, ids in kinds.items()
    }


def difference(before: Mapping[str, list[str]], after: Mapping[str, list[str]]) -> list[str]:
    """`+ kind id` of what came, `- kind id` of what went."""
    return [
        f"{sign} {kind} {one}"
        for kind in before
        for sign, more, less in (("+", after, before), ("-", before, after))
        for one in more[kind]
        if one not in less[kind]
    ]


def _listed(operation: str, key: str, identify: Callable[[Any], str]) -> Lister:
    def ids(client: Any) -> Iterator[str]:
        if client.can_paginate(operation):
            pages = client.get_paginator(operation).paginate()
        else:
            pages = [getattr(client, operation)()]
        for page in pages:
            yield from (identify(each) for each in page[key] if not _is_gone(each))

    return ids


def _is_gone(described: Any) -> bool:
    if not isinstance(described, Mapping):
        return False
    status = described.get("Status")
    states = (described.get("State"), described.get("StackStatus"), described.get("LifeCycleState"))
    return any(state in _GONE for state in states) or (isinstance(status, Mapping) and status.get("Code") in _GONE)


def _of(name: str) -> Callable[[Any], str]:
    return lambda described: str(described[name])


def _in_clusters(operation: str, key: str) -> Lister:
    def ids(client: Any) -> Iterator[str]:
        for name in _listed("list_clusters", "clusters", str)(client):
            yield from (f"{name}/{each}" for each in getattr(client, operation)(clusterName=name)[key])

    return ids


def _mount_targets(client: Any) -> Iterator[str]:
    for file_system_id in _listed("describe_file_systems", "FileSystems", _of("FileSystemId"))(client):
        found = client.describe_mount_targets(FileSystemId=file_system_id)["MountTargets"]
        yield from (each["MountTargetId"] for each in found)


def _recovery_points(client: Any) -> Iterator[str]:
    for vault in _listed("list_backup_vaults", "BackupVaultList", _of("BackupVaultName"))(client):
        found = client.list_recovery_points_by_backup_vault(BackupVaultName=vault)["RecoveryPoints"]
        yield from (each["RecoveryPointArn"] for each in found)


def _network_tags(client: Any) -> Iterator[str]:
    for operation, key, name in (
        ("describe_vpcs", "Vpcs", "VpcId"),
        ("describe_subnets", "Subnets", "SubnetId"),
        ("describe_route_tables", "RouteTables", "RouteTableId"),
        ("describe_security_groups", "SecurityGroups", "GroupId"),
    ):
        for page in client.get_paginator(operation).paginate():
            tags = ((each[name], tag) for each in page[key] for tag in each.get("Tags", []))
            yield from (f"{resource_id} {tag['Key']}={tag['Value']}" for resource_id, tag in tags)


_LISTED: Final[Mapping[str, Mapping[str, Lister]]] = {
    "ec2": {
        "VPCs": _listed("describe_vpcs", "Vpcs", _of("VpcId")),
        "subnets": _listed("describe_subnets", "Subnets", _of("SubnetId")),
        "route tables": _listed("describe_route_tables", "RouteTables", _of("RouteTableId")),
        "network ACLs": _listed("describe_network_acls", "NetworkAcls", _of("NetworkAclId")),
        "security groups": _listed("describe_security_groups", "SecurityGroups", _of("GroupId")),
        "network interfaces": _listed("describe_network_interfaces", "NetworkInterfaces", _of("NetworkInterfaceId")),
        "internet gateways": _listed("describe_internet_gateways", "InternetGateways", _of("InternetGatewayId")),
        "NAT gateways": _listed("describe_nat_gateways", "NatGateways", _of("NatGatewayId")),
        "addresses": _listed("describe_addresses", "Addresses", _of("AllocationId")),
        "endpoints": _listed("describe_vpc_endpoints", "VpcEndpoints", _of("VpcEndpointId")),
        "peerings": _listed("describe_vpc_peering_connections", "VpcPeeringConnections", _of("VpcPeeringConnectionId")),
        "tags": _network_tags,
    },
    "eks": {
        "clusters": _listed("list_clusters", "clusters", str),
        "access entries": _in_clusters("list_access_entries", "accessEntries"),
        "Fargate profiles": _in_clusters("list_fargate_profiles", "fargateProfileNames"),
        "add-ons": _in_clusters("list_addons", "addons"),
    },
    "efs": {
        "file systems": _listed("describe_file_systems", "FileSystems", _of("FileSystemId")),
        "mount targets": _mount_targets,
        "access points": _listed("describe_access_points", "AccessPoints", _of("AccessPointId")),
    },
    "backup": {"recovery points": _recovery_points},
    "cloudformation": {
        "stacks": _listed("describe_stacks", "Stacks", _of("StackName")),
        "exports": _listed("list_exports", "Exports", _of("Name")),
    },
    "logs": {"groups": _listed("describe_log_groups", "logGroups", _of("logGroupName"))},
    "kms": {"keys": _listed("list_keys", "Keys", _of("KeyId"))},
}
