"""What CreateCluster refuses beyond what its model says (models/), one function per rule.

Source: EKS API reference and user guide.
"""

import ipaddress
from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any

from moto.ec2.models import EC2Backend
from moto.ec2.models.subnets import Subnet

from local.aws import ec2_sharing, iam, iam_changes, keys, network, service_roles
from local.aws.ec2_network import OTHER_ZONES
from local.aws.policies import Caller
from local.aws.refusals import refusal

OFFERED_VERSIONS = ("1.32", "1.33", "1.34", "1.35", "1.36", "1.37")
DEFAULT_VERSION = OFFERED_VERSIONS[-1]
MAX_PUBLIC_ACCESS_CIDRS = 40
LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")


SERVICE = service_roles.EKS


def check_cluster_role(role_arn: Any, partition: str, cluster_arn: str) -> None:
    """It must exist, trust EKS for that cluster and have its policy. Texts: terraform-provider-aws, eks/cluster.go."""
    role = iam.find_role(role_arn)
    if role is None or not service_roles.lets_in(role_arn, SERVICE, cluster_arn):
        raise not_assumable(role_arn)
    policy = f"arn:{partition}:iam::aws:policy/AmazonEKSClusterPolicy"
    if policy not in iam_changes.seen_policies(role).managed:
        raise refusal(
            "InvalidParameterException",
            "The provided role doesn't have the Amazon EKS Managed Policies associated with it. Please ensure the "
            f"following policy is attached: {policy}",
        )


def check_linked_role(account_id: str, partition: str) -> None:
    """EKS's own role, if the account has it: made by its first cluster, and no sooner seen than others.

    Source: crossplane-contrib/provider-aws#218, aws/aws-k8s-tester#232.
    """
    role_arn = f"arn:{partition}:iam::{account_id}:role/aws-service-role/{SERVICE}/AWSServiceRoleForAmazonEKS"
    role = iam.find_role(role_arn)
    if role is not None and not iam.trusts(role, Caller(service=SERVICE), {}):
        raise not_assumable(role_arn)


def check_encryption(configs: list[dict[str, Any]] | None) -> None:
    """The start of EKS's words is known (grucloud's retries); what follows is KMS's own."""
    for config in configs or []:
        if why := keys.why_not(str(config["provider"]["keyArn"])):
            raise refusal("InvalidParameterException", f"The KeyArn in encryptionConfig provider is not valid: {why}")


def check_addon_role(role_arn: Any) -> None:
    """Of an add-on's service account: it must exist. Whom it has to trust is the cluster's identity provider."""
    role = iam.find_role(role_arn)
    if role is None or iam_changes.seen_trust(role) is None:
        raise not_assumable(role_arn)


def not_assumable(role_arn: Any) -> Exception:
    """Source: terraform-aws-modules/terraform-aws-eks#2406, #2057."""
    return refusal(
        "InvalidParameterException",
        f"Role with arn: {role_arn}, could not be assumed because it does not exist or the trusted entity is not "
        "correct",
    )


def check_vpc_config(ec2: EC2Backend, config: Mapping[str, Any]) -> list[Subnet]:
    """Subnets in one VPC and at least two zones, groups of that VPC, a reachable endpoint. Returns the subnets."""
    subnet_ids = config.get("subnetIds", [])
    found = {subnet_id: network.find_subnet(ec2, subnet_id) for subnet_id in subnet_ids}
    missing = [subnet_id for subnet_id, subnet in found.items() if subnet is None]
    if missing:
        raise refusal("InvalidParameterException", f"The subnet ID '{missing[0]}' does not exist")
    subnets = [subnet for subnet in found.values() if subnet is not None]
    if len({subnet.vpc_id for subnet in subnets}) > 1:
        raise refusal("InvalidParameterException", "Subnets are not in the same VPC")
    if len({subnet.availability_zone for subnet in subnets}) < 2:
        raise refusal("InvalidParameterException", "Subnets specified must be in at least two different AZs")
    shared = any(subnet.owner_id != ec2.account_id for subnet in subnets)
    if shared and not config.get("securityGroupIds"):  # rancher/rancher#32480
        raise refusal(
            "InvalidParameterException",
            f"You do not have access to a default security group in VPC {subnets[0].vpc_id}. Specify a security group, "
            "and try again.",
        )
    for group_id in config.get("securityGroupIds", []):
        group = network.find_security_group(ec2, group_id)
        if group is None or group.vpc_id != subnets[0].vpc_id or ec2_sharing.is_anothers(ec2, group):
            raise refusal("InvalidParameterException", f"The security group '{group_id}' does not exist")
    if not config.get("endpointPublicAccess", True) and not config.get("endpointPrivateAccess", False):
        raise refusal("InvalidParameterException", "Private and public endpoint access cannot both be disabled")
    if len(config.get("publicAccessCidrs", [])) > MAX_PUBLIC_ACCESS_CIDRS:
        raise refusal(
            "InvalidParameterException", f"At most {MAX_PUBLIC_ACCESS_CIDRS} public access CIDRs can be specified"
        )
    for cidr in config.get("publicAccessCidrs", []):
        check_cidr(cidr)
    return subnets


ZONES_WITHOUT_CAPACITY: set[str] = set()
"""Names of zones in which EKS puts no control plane at the moment."""


def check_capacity(ec2: EC2Backend, name: str, subnets: list[Subnet]) -> None:
    """Source: EKS API, CreateCluster, UnsupportedAvailabilityZoneException; for a Local Zone, eksctl#7169."""
    for subnet in subnets:
        zone = str(subnet.availability_zone)
        if zone in ZONES_WITHOUT_CAPACITY or zone in {each.name for each in OTHER_ZONES}:
            others = sorted({str(each.name) for each in ec2.describe_availability_zones()} - ZONES_WITHOUT_CAPACITY)
            raise refusal(
                "UnsupportedAvailabilityZoneException",
                f"Cannot create cluster '{name}' because {zone}, the targeted availability zone, does not currently "
                f"have sufficient capacity to support the cluster. Retry and choose from these availability zones: "
                f"{', '.join(others)}",
                clusterName=name,
                validZones=",".join(others),
            )


RESERVED = (
    *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
    *("0.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4"),
)
"""From which nobody comes in over the internet. Source: EKS API, VpcConfigRequest, publicAccessCidrs ("can't include
reserved addresses"); which ones these are is IANA's special-purpose registry, without the documentation's."""


def check_cidr(cidr: str) -> None:
    try:
        wanted = ipaddress.ip_network(cidr)
    except ValueError:
        raise refusal("InvalidParameterException", f"The following CIDRs are invalid in the request: {cidr}") from None
    if any(isinstance(wanted, IPv4Network) and wanted.subnet_of(IPv4Network(block)) for block in RESERVED):
        message = f"The following CIDRs are not allowed in publicAccessCidrs: [{cidr}]"
        raise refusal("InvalidParameterException", message)


def check_logging(wanted: Mapping[str, Any] | None) -> None:
    types = [name for setup in (wanted or {}).get("clusterLogging", []) for name in setup.get("types", [])]
    if len(types) != len(set(types)):
        raise refusal("InvalidParameterException", "A log type may be named once")


def merged_logging(wanted: Mapping[str, Any] | None, current: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """EKS answers with every type, enabled ones first; what a request does not name stays as it is."""
    enabled = enabled_logging(current)
    for setup in (wanted or {}).get("clusterLogging", []):
        names = set(setup.get("types", []))
        enabled = enabled | names if setup.get("enabled") else enabled - names
    groups = [([t for t in LOG_TYPES if t in enabled], True), ([t for t in LOG_TYPES if t not in enabled], False)]
    return {"clusterLogging": [{"types": types, "enabled": state} for types, state in groups if types]}


def enabled_logging(logging: Mapping[str, Any] | None) -> set[str]:
    return {t for setup in (logging or {}).get("clusterLogging", []) if setup["enabled"] for t in setup["types"]}
