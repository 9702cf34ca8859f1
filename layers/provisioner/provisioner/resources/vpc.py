"""What later states need to know of a network, whichever way it came about."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import RouteTableTypeDef, SubnetTypeDef, VpcTypeDef

# Zones in which EKS places no control plane or Fargate runs no pods. Zone ids mean the same zone in every account.
# Source: EKS User Guide, "View Amazon EKS networking requirements for VPC and subnets"; "AWS Fargate Regions".
UNSUPPORTED_ZONE_IDS = frozenset({"use1-az3", "usw1-az2", "cac1-az3", "apne1-az3", "cnn1-az4"})


@dataclass(frozen=True)
class PrivateSubnet:
    subnet_id: str
    availability_zone: str
    availability_zone_id: str
    cidr: str


@dataclass(frozen=True)
class Network:
    """A VPC and its private subnets, ordered by zone id and subnet id."""

    vpc_id: str
    private_subnets: tuple[PrivateSubnet, ...]

    @classmethod
    def from_subnets(cls, vpc_id: str, subnets: "Iterable[SubnetTypeDef]") -> "Network":
        """From EC2's DescribeSubnets, which leaves the CIDR of a subnet without IPv4 out."""
        found = [
            PrivateSubnet(s["SubnetId"], s["AvailabilityZone"], s["AvailabilityZoneId"], s.get("CidrBlock", ""))
            for s in subnets
        ]
        return cls(vpc_id, tuple(sorted(found, key=lambda s: (s.availability_zone_id, s.subnet_id))))

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> "Network":
        """From what the Ensure network state returned."""
        return cls(payload["vpc_id"], tuple(PrivateSubnet(**subnet) for subnet in payload["private_subnets"]))

    def facts(self) -> dict[str, Any]:
        """{vpc_id, private_subnets: [{subnet_id, availability_zone, availability_zone_id, cidr}]}."""
        return {"vpc_id": self.vpc_id, "private_subnets": [asdict(subnet) for subnet in self.private_subnets]}

    @property
    def subnet_ids(self) -> list[str]:
        return [subnet.subnet_id for subnet in self.private_subnets]

    def one_subnet_per_zone(self) -> dict[str, PrivateSubnet]:
        """Zone id -> its first private subnet: EFS allows one mount target per zone."""
        by_zone: dict[str, PrivateSubnet] = {}
        for subnet in self.private_subnets:
            by_zone.setdefault(subnet.availability_zone_id, subnet)
        return by_zone


def dns_attributes(vpc_id: str, ec2: "EC2Client") -> dict[str, bool] | None:
    """{enableDnsSupport, enableDnsHostnames} of the VPC; None when it does not exist.

    Source: EC2 API, DescribeVpcAttribute (one attribute per call), error InvalidVpcID.NotFound.
    """
    try:
        support = ec2.describe_vpc_attribute(VpcId=vpc_id, Attribute="enableDnsSupport")
        hostnames = ec2.describe_vpc_attribute(VpcId=vpc_id, Attribute="enableDnsHostnames")
    except ec2.exceptions.ClientError as error:
        if error.response["Error"]["Code"] == "InvalidVpcID.NotFound":
            return None
        raise
    return {
        "enableDnsSupport": bool(support["EnableDnsSupport"].get("Value")),
        "enableDnsHostnames": bool(hostnames["EnableDnsHostnames"].get("Value")),
    }


def own_resolvers(vpc: "VpcTypeDef", ec2: "EC2Client") -> list[str]:
    """Resolvers that the VPC's DHCP options name in place of the VPC's own, which alone knows the names of EFS.

    Source: VPC User Guide, "DHCP option sets in Amazon VPC" and "Amazon DNS server", which is AmazonProvidedDNS,
    169.254.169.253 and the VPC's base address plus two.
    """
    options_id = vpc.get("DhcpOptionsId", "default")
    if options_id == "default":
        return []
    its_own = {"AmazonProvidedDNS", "169.254.169.253", str(IPv4Network(vpc["CidrBlock"])[2])}
    found = ec2.describe_dhcp_options(Filters=[{"Name": "dhcp-options-id", "Values": [options_id]}])["DhcpOptions"]
    named = [
        str(value.get("Value"))
        for options in found
        for each in options.get("DhcpConfigurations", [])
        if each.get("Key") == "domain-name-servers"
        for value in each.get("Values", [])
    ]
    return [] if its_own & set(named) else named


def shared_by(account_id: str, of_vpc: "VpcTypeDef | RouteTableTypeDef") -> str | None:
    """The account that shares the VPC's subnets with this one; None where they are the account's own.

    Source: VPC User Guide, "Identify the owner of a shared subnet".
    """
    owner = of_vpc.get("OwnerId", account_id)
    return None if owner == account_id else owner


def subnets_of(subnet_ids: Iterable[str], ec2: "EC2Client") -> "list[SubnetTypeDef]":
    """Those that exist. Filters, not ids: an unknown id is then an absence to report, not an error code."""
    return ec2.describe_subnets(Filters=[{"Name": "subnet-id", "Values": list(subnet_ids)}])["Subnets"]
