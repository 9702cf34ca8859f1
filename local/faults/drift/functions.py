"""Changes of what is between functions in a VPC and a cluster's private endpoint."""

from collections.abc import Iterable
from typing import Any

from local.aws.hooks import Undo
from local.faults.drift.change import Change
from local.faults.scene import Scene


def shut(scene: Scene) -> Undo:
    """The rule by which the cluster security group admits the functions' group."""
    ec2, group_id = scene.client("ec2"), scene.cluster.vpc_config["clusterSecurityGroupId"]
    (group,) = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
    rules = [rule for rule in group["IpPermissions"] if rule.get("FromPort") == 443]
    ec2.revoke_security_group_ingress(GroupId=group_id, IpPermissions=rules)
    return lambda: ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=rules)


def lose_routes(scene: Scene) -> Undo:
    """Those of the cluster's subnets over a peering, which lead back to the functions."""
    ec2 = scene.client("ec2")
    here: list[Any] = [{"Name": "vpc-id", "Values": [scene.vpc_id]}]
    removed = [
        (table["RouteTableId"], route["DestinationCidrBlock"], route["VpcPeeringConnectionId"])
        for table in ec2.describe_route_tables(Filters=here)["RouteTables"]
        for route in table["Routes"]
        if route.get("VpcPeeringConnectionId")
    ]
    for table_id, cidr, _ in removed:
        ec2.delete_route(RouteTableId=table_id, DestinationCidrBlock=cidr)
    return lambda: give_back(ec2, removed)


def give_back(ec2: Any, routes: Iterable[tuple[str, str, str]]) -> None:
    for table_id, cidr, peering_id in routes:
        ec2.create_route(RouteTableId=table_id, DestinationCidrBlock=cidr, VpcPeeringConnectionId=peering_id)


CHANGES = (
    Change(
        "functions-kept-out",
        "the cluster security group's rule for the functions was removed",
        "functions_way_drift.KEPT_OUT",
        "security group sg-*",
        "ingress.443/tcp.sg-*",
        shut,
        "functions' way",
        behind_private_endpoint=True,
    ),
    Change(
        "functions-route-back-deleted",
        "the route from a cluster with a private endpoint back to the functions was deleted",
        "functions_way_drift.WAY_CLOSED",
        "functions' way to cluster {cluster}",
        "routes back.rtb-*",
        lose_routes,
        "functions' way",
        behind_private_endpoint=True,
    ),
)
