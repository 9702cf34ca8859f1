"""Whether rules of security groups and network ACLs let traffic through; addresses as ranges, nothing is called."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import IpPermissionOutputTypeDef, NetworkAclEntryTypeDef

NFS_PORT = 2049
HTTPS_PORT = 443
# Where an answer comes back to. Source: Linux, ip_local_port_range.
EPHEMERAL_PORTS = (32768, 60999)
_TCP = ("-1", "6", "tcp")


def uncovered(
    wanted: str, permissions: "Iterable[IpPermissionOutputTypeDef]", port: int, *, from_group: str | None = None
) -> list[str]:
    """The parts of the range `wanted` that no permission names for tcp `port`; a rule for `from_group` names all."""
    left = [IPv4Network(wanted)]
    for permission in permissions:
        if not _is_for(permission, port):
            continue
        if from_group and any(pair.get("GroupId") == from_group for pair in permission.get("UserIdGroupPairs", [])):
            return []
        for address_range in permission.get("IpRanges", []):
            left = [
                rest
                for each in left
                for rest in _without(each, IPv4Network(address_range.get("CidrIp", ""), strict=False))
            ]
    return [str(each) for each in left]


def ranges_of(permissions: "Iterable[IpPermissionOutputTypeDef]", port: int) -> list[IPv4Network]:
    """The ranges that permissions name for tcp `port`."""
    return [
        IPv4Network(each.get("CidrIp", ""), strict=False)
        for permission in permissions
        if _is_for(permission, port)
        for each in permission.get("IpRanges", [])
    ]


def names_prefix_list(permissions: "Iterable[IpPermissionOutputTypeDef]", port: int) -> bool:
    return any(_is_for(permission, port) and permission.get("PrefixListIds") for permission in permissions)


def acl_refusal(
    entries: "Iterable[NetworkAclEntryTypeDef]", *, egress: bool, cidr: str, ports: tuple[int, int]
) -> str | None:
    """What keeps an ACL from letting tcp through between `cidr` and all of `ports`; None when nothing does.

    Entries count in the order of their numbers, and what none allows is denied.
    Source: VPC User Guide, "Network ACL rules".
    """
    wanted = IPv4Network(cidr)
    for entry in sorted(entries, key=lambda each: each.get("RuleNumber", 0)):
        if entry.get("Egress") != egress or entry.get("Protocol") not in _TCP or "CidrBlock" not in entry:
            continue
        named = IPv4Network(entry["CidrBlock"], strict=False)
        if not _spans(entry.get("PortRange"), ports) or not named.overlaps(wanted):
            continue
        if entry.get("RuleAction") == "deny":
            return f"rule {entry.get('RuleNumber')} denies {named}"
        if wanted.subnet_of(named):
            return None
    return f"no rule allows {cidr}"


def acl_closes(
    entries: "Iterable[NetworkAclEntryTypeDef]", *, egress: bool, cidr: str, ports: tuple[int, int]
) -> str | None:
    """The rule that denies tcp to or from all of `cidr`; None when some of it passes, as far as that can be said.

    For destinations that are not known one by one, where `acl_refusal` would take the ban of one address for all; what
    is said of private ranges says nothing of the internet.
    """
    wanted = IPv4Network(cidr)
    for entry in sorted(entries, key=lambda each: each.get("RuleNumber", 0)):
        if entry.get("Egress") != egress or entry.get("Protocol") not in _TCP or "CidrBlock" not in entry:
            continue
        allows = entry.get("RuleAction") == "allow"
        named = IPv4Network(entry["CidrBlock"], strict=False)
        if named.is_private and not wanted.is_private:
            continue
        if allows and named.overlaps(wanted) and _meets(entry.get("PortRange"), ports):
            return None
        if not allows and wanted.subnet_of(named) and _spans(entry.get("PortRange"), ports):
            return f"rule {entry.get('RuleNumber')} denies {named}"
    return f"no rule allows {cidr}"


def _is_for(permission: Mapping[str, Any], port: int) -> bool:
    if permission.get("IpProtocol") == "-1":
        return True
    return permission.get("IpProtocol") in _TCP and permission.get("FromPort", -1) <= port <= permission.get(
        "ToPort", -1
    )


def _without(whole: IPv4Network, part: IPv4Network) -> list[IPv4Network]:
    if whole.subnet_of(part):
        return []
    return list(whole.address_exclude(part)) if part.subnet_of(whole) else [whole]


def _spans(port_range: Mapping[str, Any] | None, ports: tuple[int, int]) -> bool:
    if not port_range:
        return True
    return bool(port_range.get("From", 0) <= ports[0] and ports[1] <= port_range.get("To", 0))


def _meets(port_range: Mapping[str, Any] | None, ports: tuple[int, int]) -> bool:
    if not port_range:
        return True
    return bool(port_range.get("From", 0) <= ports[1] and ports[0] <= port_range.get("To", 0))
