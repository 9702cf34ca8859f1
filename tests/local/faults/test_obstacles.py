"""Each obstacle holds what it says it holds, is found by its identifiers, and is taken away without a trace."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.cloud import EmbeddedCloud
from local.faults.obstacles import OBSTACLES
from local.faults.scene import Scene
from tests.local.clusters import NAME, prepared, until


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedCloud]:
    with EmbeddedCloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running
    CLIENTS.clear()


@pytest.fixture(scope="module")
def scene(cloud: EmbeddedCloud) -> Scene:
    return prepared(cloud)


CLIENTS: dict[str, Any] = {}
"""One of each service: they are slow to make."""


def client(scene: Scene, service: str) -> Any:
    if service not in CLIENTS:
        CLIENTS[service] = scene.client(service)
    return CLIENTS[service]


def everything(scene: Scene) -> dict[str, Any]:
    """What the account's APIs list, as far as obstacles are made of it."""
    ec2, efs, eks = client(scene, "ec2"), client(scene, "efs"), client(scene, "eks")
    gone = ("deleted", "terminated")
    instances = [each for made in ec2.describe_instances()["Reservations"] for each in made["Instances"]]
    peerings = ec2.describe_vpc_peering_connections()["VpcPeeringConnections"]
    vaults = client(scene, "backup").list_backup_vaults()["BackupVaultList"]
    stacks = client(scene, "cloudformation").describe_stacks()["Stacks"]
    return {
        "interfaces": ids(ec2.describe_network_interfaces()["NetworkInterfaces"], "NetworkInterfaceId"),
        "groups": [(each["GroupId"], rules(each)) for each in ec2.describe_security_groups()["SecurityGroups"]],
        "subnets": ids(ec2.describe_subnets()["Subnets"], "SubnetId"),
        "route_tables": ids(ec2.describe_route_tables()["RouteTables"], "RouteTableId"),
        "network_acls": ids(ec2.describe_network_acls()["NetworkAcls"], "NetworkAclId"),
        "egress_only_gateways": ids(
            ec2.describe_egress_only_internet_gateways()["EgressOnlyInternetGateways"], "EgressOnlyInternetGatewayId"
        ),
        "nat_gateways": [
            each["NatGatewayId"] for each in ec2.describe_nat_gateways()["NatGateways"] if each["State"] not in gone
        ],
        "vpcs": ids(ec2.describe_vpcs()["Vpcs"], "VpcId"),
        "endpoints": ids(ec2.describe_vpc_endpoints()["VpcEndpoints"], "VpcEndpointId"),
        "peerings": [each["VpcPeeringConnectionId"] for each in peerings if each["Status"]["Code"] not in gone],
        "instances": [each["InstanceId"] for each in instances if each["State"]["Name"] not in gone],
        "attachments": ids(
            ec2.describe_transit_gateway_vpc_attachments()["TransitGatewayVpcAttachments"],
            "TransitGatewayAttachmentId",
        ),
        "balancers": ids(client(scene, "elbv2").describe_load_balancers()["LoadBalancers"], "LoadBalancerArn"),
        "resolvers": ids(client(scene, "route53resolver").list_resolver_endpoints()["ResolverEndpoints"], "Id"),
        "targets": ids(scene.mount_targets(), "MountTargetId"),
        "points": ids(efs.describe_access_points(FileSystemId=scene.file_system_id)["AccessPoints"], "AccessPointId"),
        "file_systems": ids(efs.describe_file_systems()["FileSystems"], "FileSystemId"),
        "node_groups": eks.list_nodegroups(clusterName=NAME)["nodegroups"],
        "profiles": eks.list_fargate_profiles(clusterName=NAME)["fargateProfileNames"],
        "protected": [NAME for _ in [1] if eks.describe_cluster(name=NAME)["cluster"]["deletionProtection"]],
        "protected_stacks": [each["StackName"] for each in stacks if each["EnableTerminationProtection"]],
        "recovery_points": [
            point["RecoveryPointArn"]
            for vault in vaults
            for point in client(scene, "backup").list_recovery_points_by_backup_vault(
                BackupVaultName=vault["BackupVaultName"]
            )["RecoveryPoints"]
        ],
    }


def ids(found: list[dict[str, Any]], name: str) -> list[str]:
    return sorted(each[name] for each in found)


def rules(group: dict[str, Any]) -> str:
    return json.dumps(group["IpPermissions"])


def told(call: Callable[..., Any], **arguments: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return str(refused.value.response["Error"]["Code"])


def refused(scene: Scene, holds: str) -> str:
    """The error of an attempt to remove what the obstacle holds."""
    last = scene.payload["network"]["private_subnets"][-1]["subnet_id"]
    match holds:
        case "cluster":
            return told(client(scene, "eks").delete_cluster, name=NAME)
        case "stack":
            return told(client(scene, "cloudformation").delete_stack, StackName="network")
        case "file system":
            return told(client(scene, "efs").delete_file_system, FileSystemId=scene.file_system_id)
        case "subnet":
            return told(client(scene, "ec2").delete_subnet, SubnetId=last)
        case _:
            raise AssertionError(holds)


IN_A_SUBNET = {
    "interface",
    "interface-in-our-group",
    "interface-in-the-cluster-group",
    "guardduty",
    "load-balancer",
    "function-interface",
    "transit-gateway",
    "instance",
    "nat-gateway",
    "resolver-endpoint",
}
ERRORS = {
    "node-group": ("cluster", "ResourceInUseException"),
    "fargate-profile": ("cluster", "ResourceInUseException"),
    "deletion-protection": ("cluster", "InvalidRequestException"),
    "access-point": ("file system", "FileSystemInUse"),
    "mount-target": ("file system", "FileSystemInUse"),
    "replication": ("file system", "FileSystemInUse"),
    "termination-protection": ("stack", "ValidationError"),
    **dict.fromkeys(IN_A_SUBNET, ("subnet", "DependencyViolation")),
}


@pytest.mark.parametrize("name", OBSTACLES)
def test_an_obstacle_is_told_by_its_identifiers_holds_and_goes_without_a_trace(name: str, scene: Scene) -> None:
    before = everything(scene)
    placed = OBSTACLES[name].put(scene)
    there = everything(scene)
    assert there != before
    assert all(identifier in json.dumps(there) for identifier in placed.identifiers)
    if name in ERRORS:
        holds, error = ERRORS[name]
        assert refused(scene, holds) == error
    placed.remove()
    until(lambda: everything(scene) == before)


def test_there_are_twelve_that_hold_something_and_each_says_where_it_is_known_from() -> None:
    holding = [each for each in OBSTACLES.values() if each.holds != "nothing"]
    assert len(holding) >= 12
    assert all(each.source and each.description for each in OBSTACLES.values())
