"""As many VPCs and addresses as the account may have, and no more; moto makes as many as anybody likes.

Values of an account in use, which has had them raised from AWS's 5 each. Source: VPC user guide, "Amazon VPC quotas";
EC2 API, error codes.
"""

from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend

MAX_VPCS = 1000
MAX_ADDRESSES = 1000
_create_vpc = EC2Backend.create_vpc
_allocate_address = EC2Backend.allocate_address


def install() -> None:
    """Patches the backend, so that CloudFormation meets the same limits as the API."""
    for patch in (create_vpc, allocate_address):
        setattr(EC2Backend, patch.__name__, patch)


def create_vpc(self: EC2Backend, *args: Any, **kwargs: Any) -> Any:
    if len(self.vpcs) >= MAX_VPCS:
        raise EC2ClientError("VpcLimitExceeded", "The maximum number of VPCs has been reached.")
    return _create_vpc(self, *args, **kwargs)


def allocate_address(self: EC2Backend, *args: Any, **kwargs: Any) -> Any:
    if len(self.addresses) >= MAX_ADDRESSES:
        raise EC2ClientError("AddressLimitExceeded", "The maximum number of addresses has been reached.")
    return _allocate_address(self, *args, **kwargs)
