"""As many VPCs, addresses and NAT gateways as the account may have; moto makes as many as anybody likes.

Source: VPC user guide, "Amazon VPC quotas"; EC2 API, error codes; texts: terraform-aws-vpc#429, and for NAT gateways
what users of terraform-provider-aws quote.
"""

from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend

from local.aws import quotas


def install() -> None:
    """Patches the backend, so that CloudFormation meets the same limits as the API."""
    create_vpc, allocate_address = EC2Backend.create_vpc, EC2Backend.allocate_address
    create_nat_gateway = EC2Backend.create_nat_gateway

    def vpc(self: EC2Backend, *args: Any, **kwargs: Any) -> Any:
        # The default VPC is there before anybody asks.
        if self.vpcs and quotas.is_reached(self.account_id, self.region_name, quotas.VPCS, len(self.vpcs)):
            raise EC2ClientError("VpcLimitExceeded", "The maximum number of VPCs has been reached.")
        return create_vpc(self, *args, **kwargs)

    def address(self: EC2Backend, *args: Any, **kwargs: Any) -> Any:
        if quotas.is_reached(self.account_id, self.region_name, quotas.ADDRESSES, len(self.addresses)):
            raise EC2ClientError("AddressLimitExceeded", "The maximum number of addresses has been reached.")
        return allocate_address(self, *args, **kwargs)

    def nat_gateway(self: EC2Backend, subnet_id: str, *args: Any, **kwargs: Any) -> Any:
        zone = self.get_subnet(subnet_id).availability_zone
        alive = [each for each in list(self.nat_gateways.values()) if each.state in ("pending", "available")]
        there_are = sum(self.get_subnet(each.subnet_id).availability_zone == zone for each in alive)
        if quotas.is_reached(self.account_id, self.region_name, quotas.NAT_GATEWAYS, there_are):
            limit = quotas.value(self.account_id, self.region_name, quotas.NAT_GATEWAYS)
            raise EC2ClientError(
                "NatGatewayLimitExceeded",
                f"Performing this operation would exceed the limit of {limit:.0f} NAT gateways",
            )
        return create_nat_gateway(self, subnet_id, *args, **kwargs)

    for name, patch in (("create_vpc", vpc), ("allocate_address", address), ("create_nat_gateway", nat_gateway)):
        setattr(EC2Backend, name, patch)
