"""States and health issues that EKS, CloudFormation and the account itself report."""

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from provisioner.diagnosis.live import Live
from provisioner.diagnosis.live.objects import DNS_LABELS
from provisioner.diagnosis.model import Finding
from provisioner.diagnosis.probes import upgrades
from provisioner.errors import BoundaryError, ErrorReason
from provisioner.kubernetes.errors import AccessNotYetEffective
from provisioner.request import ExistingNetwork
from provisioner.resources import health, nat_stack, network_stack, stack
from provisioner.resources.cluster import differing_endpoint_access
from provisioner.resources.problem import instructions
from provisioner.resources.vpc import UNSUPPORTED_ZONE_IDS

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

_NO_FARGATE = "Fargate Profile creation for the Availability Zone"
_PUBLIC = "0.0.0.0/0"
# Source: EKS API, CreateCluster, UnsupportedAvailabilityZoneException.
_REFUSED_ZONE = re.compile(r"because (?P<zone>[a-z]{2}(?:-[a-z]+)+-\d[a-z]), the targeted availability zone")


# All of ClusterIssue.code but InsufficientFreeAddresses, which has a rule of its own. Source: EKS API.
IMPAIRMENTS = (
    *("AccessDenied", "ClusterUnreachable", "ConfigurationConflict", "InternalFailure", "ResourceLimitExceeded"),
    *("ResourceNotFound", "IamRoleNotFound", "VpcNotFound", "Ec2ServiceNotSubscribed", "Ec2SubnetNotFound"),
    *("Ec2SecurityGroupNotFound", "KmsGrantRevoked", "KmsKeyNotFound", "KmsKeyMarkedForDeletion", "KmsKeyDisabled"),
    *("StsRegionalEndpointDisabled", "UnsupportedVersion", "Other"),
)


def cluster_failed(live: Live, _text: str) -> Finding:
    """Status and health issues of the cluster."""
    name, cluster = live.request.cluster.name, live.eks.cluster
    looked_at = f"status and health of cluster {name}"
    if cluster is None:
        return Finding.refuted(looked_at, "there is no such cluster")
    issues = cluster.get("health", {}).get("issues", [])
    if cluster["status"] == "FAILED":
        return Finding.proved(
            looked_at, f"it is FAILED: {health.summary(issues)}", the_cluster=name, the_cause=_named(issues)
        )
    return Finding.refuted(looked_at, f"it is {cluster['status']}: {health.summary(issues)}")


def cluster_impaired(live: Live, _text: str) -> Finding:
    """Health issues of a cluster that is there; whether the run failed for them cannot be seen."""
    name, cluster = live.request.cluster.name, live.eks.cluster
    looked_at = f"health of cluster {name}"
    if cluster is None:
        return Finding.refuted(looked_at, "there is no such cluster")
    issues = [each for each in cluster.get("health", {}).get("issues", []) if each.get("code") in IMPAIRMENTS]
    if cluster["status"] == "FAILED" or not issues:
        return Finding.refuted(looked_at, f"it is {cluster['status']}: {health.summary(issues)}")
    return Finding.possible(
        looked_at,
        f"it is {cluster['status']}: {health.summary(issues)}",
        the_cluster=name,
        the_cause=health.summary(issues),
    )


def profile_failed(live: Live, _text: str) -> Finding:
    """Status and health issues of every Fargate profile."""
    looked_at = f"status and health of the Fargate profiles of {live.request.cluster.name}"
    for profile in live.eks.profiles:
        issues = profile.get("health", {}).get("issues", [])
        if profile["status"] in ("CREATE_FAILED", "DELETE_FAILED"):
            name = profile["fargateProfileName"]
            saw = f"{name} is {profile['status']}: {health.summary(issues)}"
            if all(_NO_FARGATE in str(issue.get("message")) for issue in issues) and issues:
                return Finding.possible(looked_at, f"{saw}; its zone is the cause", the_Fargate_profile=name)
            return Finding.proved(looked_at, saw, the_Fargate_profile=name, the_cause=_named(issues))
    return Finding.refuted(looked_at, _profiles(live))


def zone_without_fargate(live: Live, text: str) -> Finding:
    """What EKS says of the zone, in a health issue or in its refusal, against the zones of the subnets."""
    looked_at = "health of the Fargate profiles, and the zones of the private subnets"
    issues = [
        (
            f"{profile['fargateProfileName']} is {profile['status']}: {issue.get('message')}",
            issue.get("resourceIds", []),
        )
        for profile in live.eks.profiles
        for issue in profile.get("health", {}).get("issues", [])
        if _NO_FARGATE in str(issue.get("message"))
    ]
    said, resource_ids = next(iter(issues), (text if _NO_FARGATE in text else "", []))
    zones = {
        subnet["SubnetId"]: subnet["AvailabilityZoneId"]
        for subnet in live.network.described_subnets
        if subnet["SubnetId"] in (*resource_ids, *re.findall(r"subnet-\w+", said))
        or re.search(rf"\b{re.escape(subnet['AvailabilityZone'])}\b", said)
        or (said and subnet["AvailabilityZoneId"] in UNSUPPORTED_ZONE_IDS)
    }
    if not said:
        return Finding.refuted(looked_at, _profiles(live))
    listed = ", ".join(f"{subnet_id} in {zone_id}" for subnet_id, zone_id in zones.items())
    if not listed:
        return Finding.possible(looked_at, f"{said}; no private subnet is in such a zone now")
    profile = ", ".join(each["fargateProfileName"] for each in live.eks.profiles) or "the Fargate profile"
    return Finding.proved(looked_at, f"{said} ({listed})", the_subnet_in_that_zone=listed, the_Fargate_profile=profile)


def zone_without_eks(live: Live, text: str) -> Finding:
    """The zone that EKS's refusal names, against the zones of the subnets."""
    looked_at = "the zones of the private subnets"
    named = _REFUSED_ZONE.search(text)
    if named is None:
        return Finding.refuted(looked_at, "EKS has refused none of them")
    subnets = [each for each in live.network.described_subnets if each["AvailabilityZone"] == named["zone"]]
    if not subnets:
        return Finding.possible(looked_at, f"none is in {named['zone']}, which EKS refused")
    listed = ", ".join(f"{each['SubnetId']} in {each['AvailabilityZone']}" for each in subnets)
    return Finding.proved(looked_at, f"EKS refused {named['zone']}: {listed}", the_subnet_in_that_zone=listed)


def addon_degraded(live: Live, _text: str) -> Finding:
    """Why CoreDNS has no replicas: its configuration, the profiles that take its pods, pods from before them."""
    addon = live.eks.dns_addon
    looked_at = "add-on coredns: status, health, computeType, its pods, and Fargate profiles for kube-system"
    if addon is None:
        return Finding.refuted(looked_at, "there is no such add-on")
    issues = addon.get("health", {}).get("issues", [])
    if addon["status"] != "DEGRADED":
        return Finding.refuted(looked_at, f"it is {addon['status']}: {health.summary(issues)}")
    saw = f"it is DEGRADED: {health.summary(issues)}"
    if "Fargate" not in str(addon.get("configurationValues", "")):
        return Finding.proved(
            looked_at,
            f"{saw}; its configuration has no computeType Fargate",
            what_its_health_names='set its configuration to {"computeType":"Fargate"}',
        )
    taking = live.network.selecting("kube-system", DNS_LABELS)
    if not taking:
        return Finding.proved(
            looked_at,
            f"{saw}; no ACTIVE Fargate profile selects its pods ({_profiles(live)})",
            what_its_health_names="add a Fargate profile that selects kube-system, then delete its Pending pods",
        )
    names = ", ".join(profile["fargateProfileName"] for profile in taking)
    if held := ", ".join(live.objects.held_dns_pods):
        return Finding.proved(
            looked_at,
            f"{saw}; {names} selects its pods now, and {held} was made before and stays with default-scheduler",
            what_its_health_names="restart it: kubectl --namespace kube-system rollout restart deployment coredns",
        )
    # A consequence: what keeps its pods from running is not seen here.
    return Finding.possible(
        looked_at, f"{saw}; {names} selects its pods", what_its_health_names=f"remove the cause: {_named(issues)}"
    )


def addon_failed(live: Live, _text: str) -> Finding:
    """Status and health issues of the add-on coredns."""
    addon, looked_at = live.eks.dns_addon, "status and health of add-on coredns"
    if addon is None:
        return Finding.refuted(looked_at, "there is no such add-on")
    issues = addon.get("health", {}).get("issues", [])
    saw = f"it is {addon['status']}: {health.summary(issues)}"
    if addon["status"].endswith("_FAILED"):
        return Finding.proved(looked_at, saw, the_cause=_named(issues))
    return Finding.refuted(looked_at, saw)


def network_stack_failed(live: Live, _text: str) -> Finding:
    """Status of the stacks, of which the network's comes first, and the first failure among its events."""
    cluster_name, cloudformation = live.request.cluster.name, live.connection.cloudformation
    found = _of_stack(network_stack.stack_name(cluster_name), cloudformation)
    of_nat = _of_stack(nat_stack.stack_name(cluster_name), cloudformation)
    return of_nat if of_nat.verdict == "proved" and found.verdict != "proved" else found


def _of_stack(name: str, cloudformation: "CloudFormationClient") -> Finding:
    looked_at, found = f"stack {name} and its events", stack.find(name, cloudformation)
    if found is None:
        return Finding.refuted(looked_at, "there is no such stack")
    status = found["StackStatus"]
    if "ROLLBACK" not in status and "FAILED" not in status:
        return Finding.refuted(looked_at, f"it is {status}")
    if status in ("UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"):
        return Finding.refuted(looked_at, f"it is {status}: as it was before")
    cause = stack.first_failure(found, cloudformation) or str(found.get("StackStatusReason", "no reason given"))
    then = "run again: the stack is removed and made anew"
    if status.startswith(("UPDATE_", "IMPORT_")):
        then = f"finish or roll back the change made to {name} and run again"
    elif found.get("Outputs"):
        then = f"delete {name} and run again"
    return Finding.proved(looked_at, f"it is {status}: {cause}", the_cause=cause, run_again_or_mend_the_stack=then)


def existing_network_unsuitable(live: Live, _text: str) -> Finding:
    """The same check that Check account made, made again."""
    wanted = live.request.network
    place = wanted.vpc_id if isinstance(wanted, ExistingNetwork) else live.request.region
    looked_at = f"zones, subnets, routes and names in {place}"
    if found := live.account_problems(ErrorReason.UNSUITABLE_NETWORK):
        return Finding.proved(looked_at, "; ".join(each.what for each in found), what_to_do=instructions(found))
    return Finding.refuted(looked_at, "it suits now")


def free_addresses(live: Live, _text: str) -> Finding:
    """AvailableIpAddressCount of the private subnets; an upgrade that failed for them needed more than one."""
    subnets = [each for each in live.network.described_subnets if each.get("CidrBlock")]
    looked_at = "free addresses of the private subnets"
    fewest = min((each["AvailableIpAddressCount"] for each in subnets), default=upgrades.ADDRESSES)
    needed = 1
    if 1 <= fewest < upgrades.ADDRESSES and upgrades.is_of_addresses(live.eks.latest_upgrade):
        needed = upgrades.ADDRESSES
    full = {each["SubnetId"]: each["CidrBlock"] for each in subnets if each["AvailableIpAddressCount"] < needed}
    if not full:
        counts = ", ".join(f"{each['SubnetId']} has {each['AvailableIpAddressCount']}" for each in subnets)
        return Finding.refuted(looked_at, counts or "there is no subnet to look at")
    listed = ", ".join(f"{subnet_id} ({cidr})" for subnet_id, cidr in full.items())
    left = "none" if needed == 1 else f"fewer than {needed}"
    return Finding.proved(looked_at, f"{left} left in {listed}", the_subnets=listed)


def endpoint_access(live: Live, _text: str) -> Finding:
    """Whether the functions, which may run outside the VPC, can be let in; and whether they are now."""
    name, cluster = live.request.cluster.name, live.eks.cluster
    looked_at = f"endpoint access of cluster {name}, and its API"
    if cluster is None:
        return Finding.refuted(looked_at, "there is no such cluster")
    config = cluster["resourcesVpcConfig"]
    public, cidrs = config.get("endpointPublicAccess"), config.get("publicAccessCidrs", [])
    settings = f"public access is {'on for ' + ', '.join(cidrs) if public else 'off'}"
    try:
        live.connection.api.get("Namespace", "default")
    except AccessNotYetEffective:
        return Finding.refuted(looked_at, f"{settings}; its API answers")
    except BoundaryError as error:
        saw = f"{settings}; {error.subject}"
        if error.reason is ErrorReason.UNTRUSTED_ENDPOINT:
            return Finding.refuted(looked_at, saw)
        # With the public endpoint open to all, who is outside gets in: something else is the matter.
        is_open = public and _PUBLIC in cidrs
        changed = {} if is_open else differing_endpoint_access(live.request, cluster)
        if changed:
            wanted = ", ".join(f"{field} {expected} asked for" for field, (expected, _) in changed.items())
            what_to_do = f"run again: {', '.join(changed)} of {name} is set as asked for"
            return Finding.proved(looked_at, f"{saw}; {wanted}", what_to_do=what_to_do)
        if problems := [] if is_open else live.functions_way.problems:
            lacks = "; ".join(each.what for each in problems)
            return Finding.proved(looked_at, f"{saw}; {lacks}", what_to_do=instructions(problems))
        unseen = "" if is_open else "; whether the functions are let in by that is not seen from here"
        group_id = config.get("clusterSecurityGroupId")
        what_to_do = (
            f"run the functions in a network with a way to {name}, and let its security group {group_id} admit them at "
            "tcp 443; or open its endpoint to them"
        )
        return Finding.possible(looked_at, saw + unseen, what_to_do=what_to_do)
    return Finding.refuted(looked_at, f"{settings}; its API answers")


def _profiles(live: Live) -> str:
    states = [f"{each['fargateProfileName']} is {each['status']}" for each in live.eks.profiles]
    return ", ".join(states) or "there is no Fargate profile"


def _named(issues: Iterable[Mapping[str, Any]]) -> str:
    return health.summary(issues)
