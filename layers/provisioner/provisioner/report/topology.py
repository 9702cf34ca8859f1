"""What was built and where: zones with their subnet, mount target and pods, from what the functions answered."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from provisioner.report.history import History

_UNKNOWN_ZONE: Final = "zone not known"


@dataclass(frozen=True)
class Pod:
    """`mounted`: what was on /data; None where nothing was, which is what the picture must show."""

    role: str
    name: str
    short_name: str
    zone: str
    address: str
    mounted: str | None


@dataclass(frozen=True)
class Zone:
    name: str
    zone_id: str
    subnet_id: str
    cidr: str
    mount_target_id: str
    mount_target_address: str
    pods: tuple[Pod, ...]


@dataclass(frozen=True)
class Topology:
    vpc_id: str
    security_group_id: str
    file_system_id: str
    lender: str
    """The other account that has it; "" where that is the cluster's."""
    cluster: str
    zones: tuple[Zone, ...]

    @property
    def pods(self) -> tuple[Pod, ...]:
        return tuple(pod for zone in self.zones for pod in zone.pods)

    def __bool__(self) -> bool:
        """A run that ended before there was a network has nothing to show."""
        return bool(self.vpc_id)


def topology(history: History, evidence: Mapping[str, Any], cluster: str, run_id: str) -> Topology:
    """`evidence` is {} for a run that failed: then the pods are those that its verification had seen by then."""
    network = history.payload_of("Ensure network")
    pods = pods_of(evidence or {**_evidence_so_far(history), "run_id": run_id})
    targets = {
        target["availability_zone_id"]: target
        for target in history.payload_of("Ensure mount targets").get("mount_targets") or []
    }
    zones = [
        _zone(list(subnets), targets.get(zone_id, {}), pods)
        for (_, zone_id), subnets in groupby(sorted(network.get("private_subnets") or [], key=_place), key=_place)
    ]
    known = {zone.name for zone in zones}
    if lost := tuple(pod for pod in pods if pod.zone not in known):
        zones.append(Zone(_UNKNOWN_ZONE, "", "", "", "", "", lost))
    return Topology(
        vpc_id=str(network.get("vpc_id") or ""),
        security_group_id=str(history.payload_of("Ensure security group").get("security_group_id") or ""),
        file_system_id=str(history.payload_of("Ensure file system").get("file_system_id") or ""),
        lender=_lender(history),
        cluster=cluster if history.payload_of("Ensure cluster") else "",
        zones=tuple(zones),
    )


def _lender(history: History) -> str:
    request = history.payload_of("Validate request")
    peer = (request.get("file_system") or {}).get("peer") or {}
    account_id = peer.get("account_id")
    return str(account_id) if account_id not in (None, request.get("account_id")) else ""


def volumes_of(evidence: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The evidence's part about each volume."""
    return [evidence, *(evidence.get("further_volumes") or [])]


def seen_by(volume: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Role and evidence of a volume's pods in the order of their work, as far as there are any."""
    writers = [("writer", each) for each in volume.get("writers") or []]
    others = [(role, volume.get(role)) for role in ("appender", "neighbour", "reader")]
    return [*writers, *((role, found) for role, found in others if found)]


def pods_of(evidence: Mapping[str, Any]) -> tuple[Pod, ...]:
    """Of every volume in turn."""
    run_id = str(evidence.get("run_id", ""))
    return tuple(pod(*each, run_id) for volume in volumes_of(evidence) for each in seen_by(volume))


def pod(role: str, found: Mapping[str, Any], run_id: str) -> Pod:
    """As the picture and the tables name it."""
    mount = found.get("mount")
    return Pod(
        role=role,
        name=found["pod"],
        short_name=found["pod"].removeprefix(f"verification-{run_id}-"),
        zone=found.get("zone") or _UNKNOWN_ZONE,
        address=address_of(found["node"]),
        mounted=f"{mount['source']} as {mount['type']}" if mount else None,
    )


def address_of(node: str) -> str:
    """A Fargate node is named after its address: fargate-ip-10-0-1-2.<region>.compute.internal."""
    head = node.partition(".")[0]
    return head.removeprefix("fargate-ip-").replace("-", ".") if head.startswith("fargate-ip-") else node


def _place(subnet: Mapping[str, Any]) -> tuple[str, str]:
    return str(subnet["availability_zone"]), str(subnet["availability_zone_id"])


def _zone(subnets: list[Mapping[str, Any]], target: Mapping[str, Any], pods: Iterable[Pod]) -> Zone:
    """A zone of a network that was there before may have several subnets; pods come into any of them."""
    name, zone_id = _place(subnets[0])
    return Zone(
        name=name,
        zone_id=zone_id,
        subnet_id=", ".join(str(subnet["subnet_id"]) for subnet in subnets),
        cidr=", ".join(str(subnet["cidr"]) for subnet in subnets if subnet.get("cidr")),
        mount_target_id=str(target.get("mount_target_id") or ""),
        mount_target_address=str(target.get("ip_address") or ""),
        pods=tuple(pod for pod in pods if pod.zone == name),
    )


def _evidence_so_far(history: History) -> Mapping[str, Any]:
    """What a verification that failed had already seen."""
    progress = history.payload_of("Verify storage").get("progress") or {}
    first, *further = progress.get("volumes") or [{}]
    return {**first, "further_volumes": further}
