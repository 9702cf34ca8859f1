"""Whether nodes in the pod subnets reach the API of their cluster.

Source: EKS User Guide, "Cluster API server endpoint": with private access its name leads to the control plane's own
interfaces where the VPC's resolver is asked, and from everywhere once public access is off.
"""

from provisioner.diagnosis.live import Live
from provisioner.diagnosis.model import Finding
from provisioner.diagnosis.probes.images import pod_ways, told
from provisioner.resources import cluster
from provisioner.resources.egress import covers
from provisioner.resources.traffic import HTTPS_PORT, names_prefix_list, uncovered

_REMEDY = "set cluster.endpoint_access to public_and_private, with which nodes need no way out to their cluster"


def joining(live: Live, text: str) -> Finding:
    """The endpoint's access and CIDRs, the ways of the pod subnets to it, and the cluster security group."""
    name, found = live.request.cluster.name, live.eks.cluster
    looked_at = f"endpoint access of cluster {name}, and the ways of nodes in the pod subnets to it"
    if found is None:
        return Finding.refuted(looked_at, "there is no such cluster")
    is_private = _is_met_inside(live)
    closed, unseen = _inside(live) if is_private else _outside(live)
    what_to_do = f"let {live.eks.security_group_id} admit tcp {HTTPS_PORT} from itself, and let it out to itself"
    if not is_private:
        changed = cluster.differing_endpoint_access(live.request, found)
        what_to_do = f"run again: {', '.join(changed)} of {name} is set as asked for" if changed else _REMEDY
    if closed:
        return Finding.proved(looked_at, closed, what_to_do=what_to_do)
    if unseen:
        return Finding.possible(looked_at, unseen, what_to_do=what_to_do)
    if text:
        what_to_do = f"run again; if nodes still do not join {name}, ask AWS Support"
        return Finding.possible(looked_at, "all that can be looked at is open", what_to_do=what_to_do)
    return Finding.refuted(looked_at, "the endpoint lets nodes in")


def _is_met_inside(live: Live) -> bool:
    config = (live.eks.cluster or {}).get("resourcesVpcConfig", {})
    if not config.get("endpointPublicAccess"):
        return True
    resolves = all(live.network.dns_attributes.values()) and not live.network.own_resolvers
    return bool(config.get("endpointPrivateAccess")) and resolves


def _inside(live: Live) -> tuple[str, str]:
    """What the cluster security group, which control plane and nodes share, refuses; and what is not seen of it."""
    group_id = live.eks.security_group_id
    group = live.network.security_groups([group_id]).get(group_id) if group_id else None
    if group is None or group_id is None:
        return "", ""
    cidrs = [each.cidr for each in live.network.pod_subnets]
    closed: list[str] = []
    unseen: list[str] = []
    for permissions, refuses in (
        (group.get("IpPermissionsEgress", []), f"{group_id} lets no tcp {HTTPS_PORT} out to itself"),
        (group.get("IpPermissions", []), f"{group_id} admits no tcp {HTTPS_PORT} from itself"),
    ):
        if all(uncovered(cidr, permissions, HTTPS_PORT, from_group=group_id) == [cidr] for cidr in cidrs):
            (unseen if names_prefix_list(permissions, HTTPS_PORT) else closed).append(refuses)
    return "; ".join(closed), "; ".join(unseen)


def _outside(live: Live) -> tuple[str, str]:
    """What the way out, or the public endpoint, refuses; and what is not seen of them."""
    allowed = (live.eks.cluster or {}).get("resourcesVpcConfig", {}).get("publicAccessCidrs", [])
    ways = pod_ways(live)
    kept_out = "; ".join(
        f"{where}nodes come from {address}, which publicAccessCidrs ({', '.join(allowed)}) keep out"
        for where, way in ways.items()
        for address in way.addresses
        if not covers(allowed, f"{address}/32")
    )
    return "; ".join(filter(None, (told(ways, "closed"), kept_out))), told(ways, "unknown")
