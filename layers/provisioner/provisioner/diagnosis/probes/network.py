"""From the pods to the mount targets: security groups, network ACLs, routes, DNS.

A pod mounts through the mount target in its own zone, so only subnets and mount targets of one zone are compared;
where the volume has an address, every subnet and the mount target that has it.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from provisioner.diagnosis.live import Live
from provisioner.diagnosis.model import Finding
from provisioner.resources.traffic import EPHEMERAL_PORTS, NFS_PORT, acl_refusal, names_prefix_list, uncovered
from provisioner.resources.vpc import PrivateSubnet

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import IpPermissionOutputTypeDef, SecurityGroupTypeDef
    from mypy_boto3_efs.type_defs import MountTargetDescriptionTypeDef


def security_groups(live: Live, _text: str) -> Finding:
    """Ingress of every mount target's groups against the pod subnets of its zone."""
    group_ids = live.file_system.group_ids
    groups = live.network.mounts_groups(each for ids in group_ids.values() for each in ids)
    closed: dict[tuple[str, ...], tuple[list[str], list[str]]] = {}
    undecided = False
    for subnet, mount_target in _paths(live):
        ids = tuple(group_ids.get(mount_target["MountTargetId"], []))
        if not ids:
            continue
        permissions = _permissions(groups, ids, "IpPermissions")
        if left := uncovered(subnet.cidr, permissions, NFS_PORT, from_group=live.eks.security_group_id):
            sources, targets = closed.setdefault(ids, ([], []))
            sources += left
            targets.append(mount_target["MountTargetId"])
            undecided = undecided or names_prefix_list(permissions, NFS_PORT)
    looked_at = f"ingress of {_listed(groups)} for tcp {NFS_PORT} from the pod subnets"
    if not closed:
        return Finding.refuted(looked_at, "every mount target's groups admit the pod subnets of its zone")
    saw = "; ".join(
        f"{_listed(ids)} of {_listed(targets)} does not admit {_listed(sources)}"
        for ids, (sources, targets) in closed.items()
    )
    rules = "; ".join(
        f"{_listed(sources)} in {ids[0]} (mount target {_listed(targets)}{_of_lender(live)})"
        for ids, (sources, targets) in closed.items()
    )
    if undecided:
        return Finding.possible(looked_at, f"{saw}, unless a prefix list named there does", rules=rules)
    return Finding.proved(looked_at, saw, pod_subnets_in_the_security_groups_of_the_mount_targets=rules)


def pod_egress(live: Live, _text: str) -> Finding:
    """Egress of the cluster security group, which pods on Fargate have, to every mount target."""
    group_id = live.eks.security_group_id
    if group_id is None:
        return Finding.refuted("the cluster security group", "there is no cluster security group")
    groups = live.network.security_groups([group_id])
    permissions = _permissions(groups, (group_id,), "IpPermissionsEgress")
    target_groups = live.file_system.group_ids
    closed = []
    for mount_target in live.file_system.mount_targets.values():
        admitted_groups = target_groups.get(mount_target["MountTargetId"], [])
        address = f"{mount_target['IpAddress']}/32"
        if all(uncovered(address, permissions, NFS_PORT, from_group=each) for each in [*admitted_groups, None]):
            closed.append(address)
    looked_at = f"egress of {group_id} for tcp {NFS_PORT} to the mount targets"
    if not closed:
        return Finding.refuted(looked_at, "it lets every mount target be reached")
    if names_prefix_list(permissions, NFS_PORT):
        return Finding.possible(looked_at, f"{_listed(closed)} is not named, unless a prefix list does")
    return Finding.proved(
        looked_at,
        f"{group_id} does not let {_listed(closed)} be reached",
        the_mount_targets=_listed(closed),
        the_cluster_security_group=group_id,
    )


def network_acls(live: Live, _text: str) -> Finding:
    """Both directions, at the mount target's subnet and at the pods'."""
    refusals: dict[str, str] = {}
    for subnet, mount_target in _paths(live):
        address = f"{mount_target['IpAddress']}/32"
        if subnet.subnet_id == mount_target["SubnetId"]:
            continue  # ACLs stand between subnets, not within one
        for subnet_id, other, ports_in, ports_out, whose in (
            (mount_target["SubnetId"], subnet.cidr, (NFS_PORT, NFS_PORT), EPHEMERAL_PORTS, _of_lender(live)),
            (subnet.subnet_id, address, EPHEMERAL_PORTS, (NFS_PORT, NFS_PORT), ""),
        ):
            acl = live.network.acls.get(subnet_id)
            if acl is None:
                continue
            for egress, ports in ((False, ports_in), (True, ports_out)):
                refusal = acl_refusal(acl["Entries"], egress=egress, cidr=other, ports=ports)
                if refusal:
                    way = f"outbound tcp {_ports(ports)} to" if egress else f"inbound tcp {_ports(ports)} from"
                    where = f"{acl['NetworkAclId']}{whose}"
                    refusals.setdefault(f"{way} {other} in {where}", f"{refusal} (subnet {subnet_id})")
    looked_at = "network ACLs of the pod and mount target subnets, both directions"
    if not refusals:
        return Finding.refuted(looked_at, f"tcp {NFS_PORT} and its answers pass")
    saw = "; ".join(f"{way}: {why}" for way, why in refusals.items())
    return Finding.proved(looked_at, saw, the_traffic_in_the_network_ACL="; ".join(refusals))


def routes(live: Live, _text: str) -> Finding:
    """A VPC routes within itself; only mount targets in another VPC need a route of their own."""
    vpc_id = live.network.vpc_id
    afar = [each for each in live.file_system.mount_targets.values() if each.get("VpcId") != vpc_id]
    looked_at = f"VPCs of the mount targets, and routes from {vpc_id} to them"
    gaps = [gap for ways in live.peer_ways for gap in ways.gaps if gap.kind == "route"]
    if not gaps:
        return Finding.refuted(looked_at, "every mount target is in the pods' VPC or has a route")
    targets = _listed(f"{each['MountTargetId']} in {each.get('VpcId')}" for each in afar)
    return Finding.proved(
        looked_at,
        f"{_listed(gap.what for gap in gaps)} ({targets})",
        the_mount_targets=f"{targets}: {_listed(gap.remedy for gap in gaps)}",
        the_VPC=str(vpc_id),
    )


def peer_link(live: Live, _text: str) -> Finding:
    """Peerings and transit gateways to which the routes of either side lead."""
    looked_at = f"what joins {live.network.vpc_id} and the VPC of the mount targets"
    gaps = [gap for ways in live.peer_ways for gap in ways.gaps if gap.kind == "link"]
    if gaps:
        remedies = _listed(gap.remedy for gap in gaps)
        return Finding.proved(looked_at, _listed(gap.what for gap in gaps), what_joins_the_VPCs=remedies)
    if unseen := [what for ways in live.peer_ways for what in ways.unseen]:
        return Finding.possible(looked_at, _listed(unseen))
    return Finding.refuted(looked_at, "nothing is between them, or what is lets them pass")


def peer_route_back(live: Live, _text: str) -> Finding:
    """Route tables of the mount targets' subnets, in another VPC than the pods'."""
    looked_at = f"routes from the VPC of the mount targets to {live.network.vpc_id}"
    gaps = [gap for ways in live.peer_ways for gap in ways.gaps if gap.kind == "route back"]
    if not gaps:
        return Finding.refuted(looked_at, "every mount target is in the pods' VPC or has a route back")
    remedies = _listed(gap.remedy for gap in gaps)
    return Finding.proved(looked_at, _listed(gap.what for gap in gaps), routes_back_to_the_pods=remedies)


def dns_attributes(live: Live, _text: str) -> Finding:
    """enableDnsSupport and enableDnsHostnames of the pods' VPC."""
    vpc_id = str(live.network.vpc_id)
    off = [name for name, on in live.network.dns_attributes.items() if not on]
    looked_at = f"enableDnsSupport and enableDnsHostnames of {vpc_id}"
    if not off:
        return Finding.refuted(looked_at, "both are on")
    return Finding.proved(looked_at, f"off: {_listed(off)}", the_DNS_attributes=" and ".join(off), the_VPC=vpc_id)


def resolvers(live: Live, _text: str) -> Finding:
    """Domain name servers in the DHCP options of the pods' VPC; what they know and forward is not seen from here."""
    vpc_id = str(live.network.vpc_id)
    looked_at = f"domain-name-servers in the DHCP options of {vpc_id}"
    named = live.network.own_resolvers
    if not named:
        return Finding.refuted(looked_at, "the VPC's own resolver is among them")
    return Finding.possible(
        looked_at,
        f"{_listed(named)} in place of the VPC's own, which alone knows names of EFS unless they ask it",
        the_resolvers=_listed(named),
        the_VPC=vpc_id,
    )


def _paths(live: Live) -> "Iterator[tuple[PrivateSubnet, MountTargetDescriptionTypeDef]]":
    for subnet in live.network.pod_subnets:
        targets, address = live.file_system.mount_targets, live.file_system.address
        addressed = (each for each in targets.values() if each.get("IpAddress") == address)
        mount_target = next(addressed, None) if address else targets.get(subnet.availability_zone_id)
        if mount_target is not None:
            yield subnet, mount_target


def _of_lender(live: Live) -> str:
    """Whose what is about the mount targets is, where that is not the cluster's account."""
    return f" of account {live.request.lender}" if live.request.lender else ""


def _permissions(
    groups: "dict[str, SecurityGroupTypeDef]", ids: tuple[str, ...], direction: str
) -> "list[IpPermissionOutputTypeDef]":
    return [permission for each in ids if each in groups for permission in groups[each].get(direction, [])]  # type: ignore[attr-defined]


def _ports(ports: tuple[int, int]) -> str:
    return str(ports[0]) if ports[0] == ports[1] else f"{ports[0]}-{ports[1]}"


def _listed(values: object) -> str:
    return ", ".join(dict.fromkeys(str(each) for each in values))  # type: ignore[attr-defined]
