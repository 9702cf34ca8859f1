"""Networks: a VPC of somebody's that suits, with private subnets, a NAT gateway in a public one, DNS attributes on; and
ours, of now and as they were made before NAT gateways had a stack of their own.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from provisioner.request import CreatedNetwork, Request
from provisioner.resources import network_stack
from tests.unit.resources.aws_calls import alter

WITH_NAT = Path(__file__).with_name("network_with_nat.yaml")
ZONES = ("ap-northeast-1a", "ap-northeast-1c")


@dataclass
class SomebodysVpc:
    """Two private subnets on one route table; the VPC's main one is left alone."""

    ec2: Any
    vpc_id: str
    subnet_ids: list[str]
    table_id: str
    public_subnet_id: str
    public_table_id: str
    gateway_id: str
    nat_id: str
    nat_address: str

    @classmethod
    def made(cls, ec2: Any) -> "SomebodysVpc":
        vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": True})
        gateway_id = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=vpc_id)
        public_subnet_id = subnet(ec2, vpc_id, ZONES[0], "10.0.0.0/24")
        public_table_id = table(ec2, vpc_id, public_subnet_id)
        ec2.create_route(RouteTableId=public_table_id, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway_id)
        address = ec2.allocate_address(Domain="vpc")
        made = ec2.create_nat_gateway(SubnetId=public_subnet_id, AllocationId=address["AllocationId"])
        nat_id = made["NatGateway"]["NatGatewayId"]
        subnet_ids = [subnet(ec2, vpc_id, zone, f"10.0.{i}.0/24") for i, zone in enumerate(ZONES, 1)]
        table_id = table(ec2, vpc_id, *subnet_ids)
        ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat_id)
        return cls(
            ec2,
            vpc_id,
            subnet_ids,
            table_id,
            public_subnet_id,
            public_table_id,
            gateway_id,
            nat_id,
            address["PublicIp"],
        )

    @property
    def asked(self) -> dict[str, Any]:
        return {"vpc_id": self.vpc_id, "private_subnet_ids": self.subnet_ids}

    def lead(self, table_id: str, **next_hop: str) -> None:
        """The table's default route leads there; nowhere when there is no next hop."""
        self.ec2.delete_route(RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0")
        if next_hop:
            self.ec2.create_route(RouteTableId=table_id, DestinationCidrBlock="0.0.0.0/0", **next_hop)

    def isolate(self, region: str = "ap-northeast-1") -> str:
        """Nothing leads out; the endpoints that Fargate needs take its place. Returns the id of their group."""
        self.lead(self.table_id)
        group_id: str = self.ec2.create_security_group(GroupName="e", Description="e", VpcId=self.vpc_id)["GroupId"]
        https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}
        self.ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[https])
        for service in ("ecr.api", "ecr.dkr", "sts"):
            self.ec2.create_vpc_endpoint(
                VpcId=self.vpc_id,
                VpcEndpointType="Interface",
                ServiceName=f"com.amazonaws.{region}.{service}",
                SubnetIds=self.subnet_ids,
                SecurityGroupIds=[group_id],
                PrivateDnsEnabled=True,
            )
        self.ec2.create_vpc_endpoint(
            VpcId=self.vpc_id,
            VpcEndpointType="Gateway",
            ServiceName=f"com.amazonaws.{region}.s3",
            RouteTableIds=[self.table_id],
        )
        return group_id

    def deny(self, subnet_id: str, *, egress: bool, ports: tuple[int, int], cidr: str = "0.0.0.0/0") -> None:
        """The subnet gets a network ACL that denies that, and allows all else."""
        acl_id = self.ec2.create_network_acl(VpcId=self.vpc_id)["NetworkAcl"]["NetworkAclId"]
        self._entry(acl_id, 90, egress, "deny", cidr, Protocol="6", PortRange={"From": ports[0], "To": ports[1]})
        for direction in (True, False):
            self._entry(acl_id, 100, direction, "allow", "0.0.0.0/0", Protocol="-1")
        filters = [{"Name": "association.subnet-id", "Values": [subnet_id]}]
        (acl,) = self.ec2.describe_network_acls(Filters=filters)["NetworkAcls"]
        (association,) = [each for each in acl["Associations"] if each["SubnetId"] == subnet_id]
        self.ec2.replace_network_acl_association(
            AssociationId=association["NetworkAclAssociationId"], NetworkAclId=acl_id
        )

    def _entry(self, acl_id: str, number: int, egress: bool, action: str, cidr: str, **rule: Any) -> None:
        self.ec2.create_network_acl_entry(
            NetworkAclId=acl_id, RuleNumber=number, Egress=egress, RuleAction=action, CidrBlock=cidr, **rule
        )


def subnet(ec2: Any, vpc_id: str, zone: str, cidr: str) -> str:
    subnet_id: str = ec2.create_subnet(VpcId=vpc_id, AvailabilityZone=zone, CidrBlock=cidr)["Subnet"]["SubnetId"]
    return subnet_id


def table(ec2: Any, vpc_id: str, *subnet_ids: str) -> str:
    """A route table of their own."""
    table_id: str = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    for subnet_id in subnet_ids:
        ec2.associate_route_table(RouteTableId=table_id, SubnetId=subnet_id)
    return table_id


def make_with_nat(request: Request, wanted: CreatedNetwork, ec2: Any, cloudformation: Any) -> None:
    """The network in one stack, as an earlier version made it."""
    zones = network_stack.zones_for(wanted, request.region, ec2)
    parameters = {**network_stack.parameters_for(wanted, zones), "NatGateways": wanted.nat}
    cloudformation.create_stack(
        StackName=network_stack.stack_name(request.cluster.name),
        TemplateBody=WITH_NAT.read_text(encoding="utf-8"),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Tags=[{"Key": key, "Value": value} for key, value in request.owner_tags.items()],
    )


def stack_becomes(cloudformation: Any, of: str = "-network", **values: Any) -> None:
    """What DescribeStacks tells of the stack whose name ends so."""

    def change(parsed: Any) -> None:
        for stack in parsed.get("Stacks", []):
            if stack["StackName"].endswith(of):
                stack.update(values)

    alter(cloudformation, "DescribeStacks", change)
