"""Faults of a file system in a peered VPC: what joins the two, routes of either side, group and address there."""

from collections.abc import Mapping
from ipaddress import IPv4Network

from local import vpcs
from local.faults.fault import Fault, before
from local.faults.network import close_security_groups
from local.faults.scene import Scene


def delete_peering(scene: Scene) -> None:
    """Either team can; the routes to it stay, and lead nowhere."""
    ec2 = scene.client("ec2")
    for each in ec2.describe_vpc_peering_connections()["VpcPeeringConnections"]:
        sides = {each[side]["VpcId"] for side in ("RequesterVpcInfo", "AccepterVpcInfo")}
        if sides == {scene.vpc_id, scene.mounts_vpc_id}:
            ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=each["VpcPeeringConnectionId"])


def detach_from_gateway(scene: Scene) -> None:
    """The network team takes the file system's VPC off the transit gateway."""
    ec2, of_mounts = scene.client("ec2"), [{"Name": "vpc-id", "Values": [scene.mounts_vpc_id]}]
    found = ec2.describe_transit_gateway_vpc_attachments(Filters=of_mounts)["TransitGatewayVpcAttachments"]
    for each in found:
        ec2.delete_transit_gateway_vpc_attachment(TransitGatewayAttachmentId=each["TransitGatewayAttachmentId"])


def delete_routes(scene: Scene) -> None:
    """From the pods to the mount targets."""
    remove_routes(scene, scene.vpc_id)


def delete_routes_back(scene: Scene) -> None:
    remove_routes(scene, scene.mounts_vpc_id)


def remove_routes(scene: Scene, vpc_id: str) -> list[dict[str, str]]:
    """Every route of the VPC's tables over a peering; what CreateRoute needs to make them again."""
    ec2, removed = scene.mounts_client("ec2") if vpc_id == scene.mounts_vpc_id else scene.client("ec2"), []
    for table in ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc_id]}])["RouteTables"]:
        for route in table["Routes"]:
            if "VpcPeeringConnectionId" in route:
                where = {
                    "RouteTableId": table["RouteTableId"],
                    "DestinationCidrBlock": route["DestinationCidrBlock"],
                }
                ec2.delete_route(**where)
                removed.append({**where, "VpcPeeringConnectionId": route["VpcPeeringConnectionId"]})
    return removed


def move_mount_targets(scene: Scene) -> None:
    """All made again, in the same subnets with the same group: none has the address that it had."""
    ec2 = scene.mounts_client("ec2")
    ranges = {
        each["SubnetId"]: ec2.describe_subnets(SubnetIds=[each["SubnetId"]])["Subnets"][0]["CidrBlock"]
        for each in scene.mount_targets()
    }
    place_mount_targets(scene, {subnet_id: _last(cidr) for subnet_id, cidr in ranges.items()})


def place_mount_targets(scene: Scene, addresses: Mapping[str, str]) -> None:
    """All made again with these addresses, by subnet."""
    efs, old = scene.mounts_client("efs"), scene.mount_targets()
    groups = {
        each["MountTargetId"]: efs.describe_mount_target_security_groups(MountTargetId=each["MountTargetId"])
        for each in old
    }
    for each in old:
        efs.delete_mount_target(MountTargetId=each["MountTargetId"])
    scene.until(lambda: not scene.mount_targets())
    for each in old:
        efs.create_mount_target(
            FileSystemId=scene.file_system_id,
            SubnetId=each["SubnetId"],
            IpAddress=addresses[each["SubnetId"]],
            SecurityGroups=groups[each["MountTargetId"]]["SecurityGroups"],
        )
    scene.until(lambda: all(each["LifeCycleState"] == "available" for each in scene.mount_targets()))


def _last(cidr: str) -> str:
    """An address that nobody has had: they are given from the first one on."""
    return str(IPv4Network(cidr).broadcast_address - 10)


FAULTS = (
    Fault(
        "peering-gone",
        "the peering between the pods' VPC and the file system's was deleted",
        "peer-not-joined",
        before("Verify storage", delete_peering),
        world=vpcs.peered,
    ),
    Fault(
        "peer-detached",
        "the file system's VPC was taken off the transit gateway",
        "peer-not-joined",
        before("Verify storage", detach_from_gateway),
        world=lambda cloud: vpcs.peered(cloud, vpcs.join),
    ),
    Fault(
        "peer-route",
        "the pods' route table lost its route to the file system's VPC",
        "mount-target-unroutable",
        before("Verify storage", delete_routes),
        world=vpcs.peered,
    ),
    Fault(
        "peer-route-back",
        "the route table of the file system's VPC lost its route back to the pods",
        "peer-route-back-missing",
        before("Verify storage", delete_routes_back),
        world=vpcs.peered,
    ),
    Fault(
        "peer-security-group",
        "the mount targets' security groups in the peered VPC no longer admit the pods",
        "security-group-closed",
        before("Verify storage", close_security_groups),
        world=vpcs.peered,
    ),
    Fault(
        "peer-address",
        "the mount targets were made again, and none has the address that the volume mounts",
        "wrong-mount-target-address",
        before("Verify storage", move_mount_targets),
        world=vpcs.peered,
    ),
)
