"""What can go wrong, made to go wrong in the embedded cloud: `FAULTS[name].install(cloud)` before a run starts.

A fault changes live state behind the program's back, or makes a service answer as AWS does in such a case; what pods,
kubelets and services then say follows from that state by the embedded cloud's own rules. What stands in the way of a
removal is in obstacles/.
"""

from local.faults import (
    admission,
    control_plane,
    fargate,
    identities,
    kubernetes,
    lent,
    network,
    peer,
    policies,
    storage,
    upgrades,
    young,
)
from local.faults.fault import Fault

FAULTS: dict[str, Fault] = {
    fault.name: fault
    for part in (
        *(network, peer, lent, storage, kubernetes, admission, fargate),
        *(control_plane, upgrades, identities, policies, young),
    )
    for fault in part.FAULTS
}

DOUBLE_FAULTS: tuple[tuple[str, str], ...] = (
    ("security-group", "mount-target-missing"),
    ("dns-attributes", "security-group"),
    ("csi-driver-missing", "no-nat"),
    ("file-system-policy", "security-group"),
    ("no-nat", "fargate-profile-selectors"),
    ("persistent-volume-released", "csi-driver-attach-required"),
)
"""Pairs that one run meets together; a diagnosis must name both."""

__all__ = ["DOUBLE_FAULTS", "FAULTS", "Fault"]
