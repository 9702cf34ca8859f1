"""From which addresses the cluster's Services get theirs: asked for at creation, or EKS's own choice.

Source: EKS API, KubernetesNetworkConfigRequest. Which words EKS refuses with is not documented.
"""

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any

from moto.ec2.models import EC2Backend

from local.aws.refusals import refusal

PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))


def check_network_config(ec2: EC2Backend, config: Mapping[str, Any], vpc_id: str, region: str) -> None:
    cidr, family = config.get("serviceIpv4Cidr"), config.get("ipFamily", "ipv4")
    if family == "ipv6":
        _check_ipv6(ec2, vpc_id, region, cidr)
    elif cidr is not None and (why := _why_not(cidr, list(_ranges(ec2, vpc_id)))):
        raise refusal("InvalidParameterException", f"The service CIDR {cidr} is not valid: {why}")


def service_network(ec2: EC2Backend, config: Mapping[str, Any], vpc_id: str) -> dict[str, Any]:
    """What DescribeCluster answers: a range of one family."""
    if config.get("ipFamily") == "ipv6":
        return {"ipFamily": "ipv6", "serviceIpv6Cidr": "fd12:3456:789a::/108"}
    inside_ten = any(each.overlaps(PRIVATE[0]) for each in _ranges(ec2, vpc_id))
    chosen = "172.20.0.0/16" if inside_ten else "10.100.0.0/16"
    return {"ipFamily": "ipv4", "serviceIpv4Cidr": config.get("serviceIpv4Cidr") or chosen}


def _check_ipv6(ec2: EC2Backend, vpc_id: str, region: str, cidr: str | None) -> None:
    if cidr is not None:
        why = "serviceIpv4Cidr cannot be specified for an IPv6 cluster"
    elif region.startswith("cn-"):
        why = "ipFamily ipv6 is not supported in this region"
    elif not ec2.get_vpc(vpc_id).ipv6_cidr_block_association_set:
        why = f"VPC {vpc_id} has no IPv6 CIDR block"
    else:
        return
    raise refusal("InvalidParameterException", why)


def _why_not(cidr: str, vpc: list[IPv4Network]) -> str | None:
    try:
        wanted = IPv4Network(cidr)
    except ValueError:
        return "it is no IPv4 CIDR block"
    if not 12 <= wanted.prefixlen <= 24:
        return "it must be between /24 and /12"
    if not any(map(wanted.subnet_of, PRIVATE)):
        return "it must be within 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16"
    if overlapping := [each for each in vpc if each.overlaps(wanted)]:
        return f"it overlaps with {overlapping[0]} of the VPC"
    return None


def _ranges(ec2: EC2Backend, vpc_id: str) -> Iterator[IPv4Network]:
    for association in ec2.get_vpc(vpc_id).cidr_block_association_set:
        yield IPv4Network(association["cidr_block"])
