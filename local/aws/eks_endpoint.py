"""Who reaches a cluster's Kubernetes API: nodes and functions, as the endpoint's access and its CIDRs let them.

The name of the endpoint leads to the control plane's interfaces in the cluster's VPC, if private access is on and that
VPC's resolver is asked, and from everywhere once public access is off; else to a public address, which only takes
connections from publicAccessCidrs.
Source: EKS user guide, "Cluster API server endpoint"; Lambda developer guide, "Giving Lambda functions access to
resources in an Amazon VPC".
"""

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from moto.ec2.models import EC2Backend
from moto.ec2.models.elastic_network_interfaces import NetworkInterface

from local.aws import network
from local.aws.eks_state import LOCK, Cluster, all_clusters
from local.aws.lambda_runtime import Function
from local.aws.network import End

LAMBDA_ADDRESSES = ("13.112.40.7", "18.176.91.23", "52.194.8.130", "54.178.66.5")
"""From some of these a function outside a VPC comes: each of its environments has another, of all that AWS has."""


def admits_node(cluster: Cluster, interface: NetworkInterface) -> bool:
    """Whether a node with that interface, in a subnet of the cluster's VPC, joins the cluster."""
    return _admits(cluster, network.backend(cluster.account_id, cluster.region), End.of(interface))


def admits_function(function: Function, port: int) -> bool:
    """Whether a function gets through to what listens at the port, if that is a cluster's API: all else it reaches."""
    with LOCK:
        cluster = next((each for each in all_clusters() if _port(each) == port), None)
    if cluster is None:
        return True
    if not function.subnet_ids:
        return admits_lambda(cluster)
    ec2 = network.backend(function.arn.split(":")[4], function.region)
    subnets = [ec2.get_subnet(subnet_id) for subnet_id in function.subnet_ids]
    ends = [End(each, str(each.cidr.network_address + 5), function.security_group_ids) for each in subnets]
    # In which of its subnets an environment is, nobody can tell.
    return all(_admits(cluster, ec2, end) for end in ends)


def admits_lambda(cluster: Cluster) -> bool:
    """Whether every function outside a VPC gets in."""
    return _admits_publicly(cluster, LAMBDA_ADDRESSES)


def _port(cluster: Cluster) -> int | None:
    return urlsplit(cluster.control_plane.url).port if cluster.control_plane is not None else None


def _admits(cluster: Cluster, ec2: EC2Backend, source: End) -> bool:
    config, vpc_id = cluster.vpc_config, str(source.subnet.vpc_id)
    is_inside = vpc_id == config["vpcId"]
    has_private_name = is_inside and config["endpointPrivateAccess"] and network.resolves_private_names(ec2, vpc_id)
    if has_private_name or not config["endpointPublicAccess"]:
        return any(_reaches(cluster, ec2, source, End.of(each)) for each in _interfaces(cluster))
    address = network.public_address(ec2, source.subnet, source.group_ids)
    return address is not None and _admits_publicly(cluster, [address])


def _admits_publicly(cluster: Cluster, addresses: Iterable[str]) -> bool:
    config = cluster.vpc_config
    ranges = [ipaddress.ip_network(cidr) for cidr in config["publicAccessCidrs"]]
    return bool(config["endpointPublicAccess"]) and all(
        any(ipaddress.ip_address(address) in each for each in ranges) for address in addresses
    )


def _interfaces(cluster: Cluster) -> list[NetworkInterface]:
    """Those of the control plane."""
    ec2 = network.backend(cluster.account_id, cluster.region)
    return [each for each in list(ec2.enis.values()) if each.id in cluster.interface_ids]


def _reaches(cluster: Cluster, ec2: EC2Backend, source: End, target: End) -> bool:
    """Within the VPC or from another; between two accounts or regions over a peering, groups known by address."""
    there, port = network.backend(cluster.account_id, cluster.region), network.HTTPS_PORT
    if ec2 is there:
        return network.connects(ec2, source, target, port)
    return (
        network.is_peered(ec2, source.subnet, target.address, str(target.subnet.vpc_id))
        and network.is_peered(there, target.subnet, source.address, str(source.subnet.vpc_id))
        and network.security_groups_let_out(ec2, source.group_ids, port, target.address)
        and network.security_groups_admit(there, target.group_ids, port, source.address, ())
    )
