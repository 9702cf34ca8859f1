"""Makes moto's EC2 refuse what AWS refuses (ec2_limits.py, ec2_removal.py, ec2_interfaces.py, ec2_sharing.py), lets
nothing through between VPCs that AWS would not (ec2_ways.py), and lets NAT gateways take their time."""

from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend, elastic_ip_addresses
from moto.ec2.models.nat_gateways import NatGateway, NatGatewayBackend
from moto.ec2.models.security_groups import SecurityGroup
from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE, random_public_ip

from local.aws import ec2_interfaces, ec2_limits, ec2_removal, ec2_sharing, ec2_ways
from local.aws.interfaces import Cloud

_create_security_group = EC2Backend.create_security_group
_authorize_ingress = EC2Backend.authorize_security_group_ingress
_create_nat_gateway = NatGatewayBackend.create_nat_gateway
_delete_nat_gateway = NatGatewayBackend.delete_nat_gateway


def leads_out(gateway: NatGateway) -> bool:
    """A public NAT gateway of a VPC without an internet gateway fails. Text: aws/aws-cdk#21404."""
    backend = gateway.ec2_backend
    attached = {each.vpc.id for each in backend.internet_gateways.values() if each.vpc}
    return gateway.connectivity_type == "private" or gateway.vpc_id in attached


def install(cloud: Cloud) -> None:
    """Patches the backend, so that CloudFormation meets the same rules as the API."""

    def create_nat_gateway(self: EC2Backend, *args: Any, **kwargs: Any) -> NatGateway:
        gateway = _create_nat_gateway(self, *args, **kwargs)
        gateway.state = "pending"
        description = f"Interface for NAT Gateway {gateway.id}"
        ec2_interfaces.hold(gateway._eni, description=description, kind="natGateway")

        def finish() -> None:
            if gateway.state == "pending":
                gateway.state = "available" if leads_out(gateway) else "failed"

        cloud.clock.later("NAT gateway", finish)
        return gateway

    def delete_nat_gateway(self: EC2Backend, nat_gateway_id: str) -> NatGateway:
        if nat_gateway_id not in self.nat_gateways:
            raise EC2ClientError("NatGatewayNotFound", f"The Nat Gateway {nat_gateway_id} was not found")
        gateway = _delete_nat_gateway(self, nat_gateway_id)
        gateway.state = "deleting"
        cloud.clock.later("NAT gateway deletion", lambda: ec2_removal.remove_nat_gateway(self, gateway))
        return gateway

    def create_security_group(self: EC2Backend, name: str, *args: Any, **kwargs: Any) -> SecurityGroup:
        """Text: kubernetes-sigs/cluster-api-provider-aws#1725."""
        if name.startswith("sg-"):
            raise EC2ClientError(
                "InvalidParameterValue",
                f"Value ({name}) for parameter GroupName is invalid. Group names may not be in the format sg-*.",
            )
        return _create_security_group(self, name, *args, **kwargs)

    def authorize_security_group_ingress(self: EC2Backend, group_name_or_id: str, *args: Any, **kwargs: Any) -> Any:
        """Groups of another VPC are named over an active peering alone. Text: ansible/ansible#45782."""
        group = self.get_security_group_from_id(group_name_or_id)
        named = [each["GroupId"] for each in kwargs.get("source_groups") or [] if "GroupId" in each]
        sources = [self.get_security_group_from_id(each) for each in named]
        for source in filter(None, sources):
            if group is not None and source.vpc_id != group.vpc_id and not _is_peered(self, source, group):
                raise EC2ClientError(
                    "InvalidGroup.NotFound", "You have specified two resources that belong to different networks."
                )
        return _authorize_ingress(self, group_name_or_id, *args, **kwargs)

    for patch in (create_nat_gateway, delete_nat_gateway, create_security_group, authorize_security_group_ingress):
        setattr(EC2Backend, patch.__name__, patch)
    # moto's own begin with 127: no network routes them, and no cluster's endpoint may be told to let them in.
    setattr(elastic_ip_addresses, "random_ip", random_public_ip)  # noqa: B010
    # EC2's model says natgateway where moto says nat-gateway (botocore, ec2, ResourceType).
    EC2_PREFIX_TO_RESOURCE["nat"] = "natgateway"
    ec2_limits.install()
    ec2_removal.install()
    ec2_sharing.install()
    ec2_ways.install()
    ec2_interfaces.install(cloud)


def _is_peered(ec2: EC2Backend, one: SecurityGroup, other: SecurityGroup) -> bool:
    joined = {one.vpc_id, other.vpc_id}
    return any(
        {peering.vpc.id, peering.peer_vpc.id} == joined and peering._status.code == "active"
        for peering in list(ec2.vpc_pcxs.values())
    )
