"""After the failure of which states a rule is looked for.

States that run side by side share their rules: one of them fails first, and hides what ails the other.
"""

from typing import Final

CHECKING: Final = frozenset({"Check account"})
NETWORK: Final = frozenset({"Ensure network"})
BUILDING: Final = frozenset(
    {
        "Ensure cluster",
        "Ensure cluster access",
        "Ensure Fargate profile",
        "Ensure security group",
        "Ensure file system",
        "Ensure mount targets",
        "Ensure NAT gateways",
        "Build cluster and storage",
    }
)
APPLYING: Final = frozenset({"Apply storage"})
VERIFYING: Final = frozenset({"Verify storage", "Ensure cluster DNS", "Verify and finish"})
RESOLVING: Final = frozenset({"Ensure cluster DNS", "Verify and finish"})
"""The proof needs no CoreDNS: where it has failed, that CoreDNS has no pods is at most another consequence."""
INSIDE: Final = APPLYING | VERIFYING
ANY: Final = CHECKING | NETWORK | BUILDING | INSIDE | {"Claim cluster"}
