"""What makes a network look right and not be: moto's EC2 with zones of other kinds, and blocks.

moto lacks: Local Zones and Wavelength Zones, which DescribeAvailabilityZones tells when asked for all; subnets of IPv6
as EC2 describes them; VPC Block Public Access; the DHCP options that every VPC has from the start.
Source: EC2 API, AvailabilityZone, Subnet, ModifyVpcBlockPublicAccessOptions; VPC guide, "DHCP option sets in Amazon
VPC".
"""

from typing import Any, cast

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend, Zone
from moto.ec2.models.dhcp_options import DHCPOptionsSet
from moto.ec2.models.subnets import Subnet
from moto.ec2.models.vpcs import VPC
from moto.ec2.responses import EC2Response

from local.aws.interfaces import Cloud

OTHER_ZONES = (
    Zone("ap-northeast-1-tpe-1a", "ap-northeast-1", "apne1-tpe1-az1", "local-zone"),
    Zone("ap-northeast-1-wl1-nrt-wlz-1", "ap-northeast-1", "apne1-wl1-nrt-wlz1", "wavelength-zone"),
)
AMAZON_DNS = "AmazonProvidedDNS"
BLOCK_MODES = ("off", "block-bidirectional", "block-ingress")
_OPTIONS = "_block_public_access"
_EXCLUSIONS = "_block_public_access_exclusions"
_DEFAULT = "_default"


def own_resolvers(ec2: EC2Backend, vpc_id: str) -> list[str]:
    """Resolvers that the VPC's DHCP options name when the VPC's own, which alone knows names of EFS, is not of them."""
    options: Any = ec2.get_vpc(vpc_id).dhcp_options
    named: list[str] = (options._options["domain-name-servers"] if options else None) or []
    return [] if not named or AMAZON_DNS in named else named


def blocks_gateways(ec2: EC2Backend, subnet: Subnet) -> bool:
    """Whether an internet gateway lets nothing out of the subnet. Source: VPC guide, "Block public access"."""
    if getattr(ec2, _OPTIONS, "off") != "block-bidirectional":
        return False
    excluded = {each["ResourceArn"].rpartition("/")[2] for each in getattr(ec2, _EXCLUSIONS, [])}
    return not {str(subnet.vpc_id), subnet.id} & excluded


def install(_cloud: Cloud) -> None:
    by_region = RegionsAndZonesBackend.zones
    RegionsAndZonesBackend.zones = {
        region: [*zones, *(zone for zone in OTHER_ZONES if zone.region_name == region)]
        for region, zones in by_region.items()
    }
    describe_zones = EC2Backend.describe_availability_zones
    answer_zones = EC2Response.describe_availability_zones
    free: Any = vars(Subnet)["available_ip_address_count"].fget
    create_vpc, delete_vpc = EC2Backend.create_vpc, EC2Backend.delete_vpc

    def vpc(self: EC2Backend, *args: Any, **kwargs: Any) -> VPC:
        made: Any = create_vpc(self, *args, **kwargs)
        made.dhcp_options = _default_options(self)
        return cast(VPC, made)

    def removed(self: EC2Backend, vpc_id: str) -> VPC:
        """Its option set stays, as it is others' too."""
        self.get_vpc(vpc_id).dhcp_options = None
        return delete_vpc(self, vpc_id)

    def of_the_region(self: EC2Backend, *args: Any, **kwargs: Any) -> list[Zone]:
        return [zone for zone in describe_zones(self, *args, **kwargs) if zone not in OTHER_ZONES]

    def zones(self: EC2Response) -> ActionResult:
        answer: Any = answer_zones(self)
        if self._get_bool_param("AllAvailabilityZones", False):
            others = [zone for zone in OTHER_ZONES if zone.region_name == self.region]
            answer = ActionResult({"AvailabilityZones": [*answer.result["AvailabilityZones"], *others]})
        return cast(ActionResult, answer)

    def free_addresses(self: Subnet) -> int:
        """Free addresses are those of IPv4. Source: EC2 API, Subnet.availableIpAddressCount."""
        return 0 if self.ipv6_native else int(free(self))

    for owner, name, patch in (
        (EC2Backend, "create_vpc", vpc),
        (EC2Backend, "delete_vpc", removed),
        (EC2Backend, "describe_availability_zones", of_the_region),
        (EC2Response, "describe_availability_zones", zones),
        (EC2Response, "describe_vpc_block_public_access_options", _describe_options),
        (EC2Response, "modify_vpc_block_public_access_options", _modify_options),
        (EC2Response, "describe_vpc_block_public_access_exclusions", _describe_exclusions),
        (EC2Response, "create_vpc_block_public_access_exclusion", _create_exclusion),
        (Subnet, "available_ip_address_count", property(free_addresses)),
        (Subnet, "ipv6_cidr_block_association_set", property(_ipv6_ranges)),
    ):
        setattr(owner, name, patch)


def _default_options(ec2: EC2Backend) -> DHCPOptionsSet:
    """One of the region, shared by all VPCs that name no other."""
    found = next((each for each in ec2.dhcp_options_sets.values() if getattr(each, _DEFAULT, False)), None)
    if found is None:
        suffix = "ec2.internal" if ec2.region_name == "us-east-1" else f"{ec2.region_name}.compute.internal"
        found = ec2.create_dhcp_options([AMAZON_DNS], [suffix])  # type: ignore[arg-type]
        setattr(found, _DEFAULT, True)
    return found


def _ipv6_ranges(self: Subnet) -> list[dict[str, Any]]:
    """moto nests the state once too often."""
    return [
        {
            "ipv6CidrBlock": each["ipv6CidrBlock"],
            "associationId": each["associationId"],
            "ipv6CidrBlockState": {"state": each["ipv6CidrBlockState"]["State"]},
        }
        for each in self.ipv6_cidr_block_associations.values()
    ]


def _describe_options(self: EC2Response) -> ActionResult:
    return ActionResult({"VpcBlockPublicAccessOptions": _options(self)})


def _modify_options(self: EC2Response) -> ActionResult:
    mode = self._get_param("InternetGatewayBlockMode")
    if mode not in BLOCK_MODES:
        raise EC2ClientError("InvalidParameterValue", f"Invalid value '{mode}' for InternetGatewayBlockMode")
    setattr(self.ec2_backend, _OPTIONS, mode)
    return ActionResult({"VpcBlockPublicAccessOptions": _options(self)})


def _options(self: EC2Response) -> dict[str, str]:
    mode = getattr(self.ec2_backend, _OPTIONS, "off")
    return {
        "AwsAccountId": self.current_account,
        "AwsRegion": self.region,
        "State": "default-state" if mode == "off" else "update-complete",
        "InternetGatewayBlockMode": mode,
        "ManagedBy": "account",
        "ExclusionsAllowed": "allowed",
    }


def _describe_exclusions(self: EC2Response) -> ActionResult:
    return ActionResult({"VpcBlockPublicAccessExclusions": getattr(self.ec2_backend, _EXCLUSIONS, [])})


def _create_exclusion(self: EC2Response) -> ActionResult:
    resource = self._get_param("SubnetId") or self._get_param("VpcId")
    kind = resource.partition("-")[0]
    exclusion = {
        "ExclusionId": f"vpcbpa-exclude-{resource.partition('-')[2]}",
        "InternetGatewayExclusionMode": self._get_param("InternetGatewayExclusionMode"),
        "ResourceArn": f"arn:{self.partition}:ec2:{self.region}:{self.current_account}:{kind}/{resource}",
        "State": "create-complete",
    }
    setattr(self.ec2_backend, _EXCLUSIONS, [*getattr(self.ec2_backend, _EXCLUSIONS, []), exclusion])
    return ActionResult({"VpcBlockPublicAccessExclusion": exclusion})
