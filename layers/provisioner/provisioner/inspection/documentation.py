"""docs/drift.md, from the kinds of differences: `python -m provisioner.inspection.documentation > docs/drift.md`."""

from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Final

from provisioner.difference import DriftKind
from provisioner.fleet import changed_accounts
from provisioner.kubernetes import slower, storage_differences
from provisioner.resources import (
    access_point_drift,
    cluster_access_drift,
    cluster_dns_drift,
    cluster_drift,
    cluster_logs_drift,
    fargate_profile_drift,
    file_system_drift,
    functions_way_drift,
    lent_file_system_drift,
    mount_targets_drift,
    network_drift,
    ownership,
    peer_drift,
    pods_access_drift,
    pods_group_drift,
    role_boundary_drift,
    security_group_drift,
    ways_out_drift,
)

SECTIONS: Final[Mapping[str, ModuleType]] = {
    "Whose a resource is": ownership,
    "Roles under a permissions boundary": role_boundary_drift,
    "Network": network_drift,
    "Ways out of the network": ways_out_drift,
    "Ways to a peered network": peer_drift,
    "Cluster": cluster_drift,
    "Control plane logs": cluster_logs_drift,
    "Access to the Kubernetes API": cluster_access_drift,
    "Fargate profile": fargate_profile_drift,
    "Nodes of Fargate": pods_access_drift,
    "Cluster security group": pods_group_drift,
    "Functions' way to a private endpoint": functions_way_drift,
    "Cluster DNS": cluster_dns_drift,
    "Security group": security_group_drift,
    "File system": file_system_drift,
    "File system of another account": lent_file_system_drift,
    "Access point": access_point_drift,
    "Mount targets": mount_targets_drift,
    "Kubernetes objects": storage_differences,
    "How fast it is": slower,
    "Accounts since their clusters were made": changed_accounts,
}

_HEAD: Final = """\
# Drift: how a cluster can differ from what was asked for

Generated from the code by `python -m provisioner.inspection.documentation`; a test keeps it current.

A check compares the recorded request with what is there, and only reads. What AWS and Kubernetes add by themselves, and
what the request leaves to them, is no difference; of what is inside something that is missing nothing is told.
Pods that a killed proof has left behind are no difference either: a check that finds some removes them.
**critical**: pods cannot use the storage now, data is at risk, or neither can be seen. **warning**: it works, but is
not what was asked for. **information**: told by a check with pods, in the event's `slower`, or by a check of the fleet,
in `accounts_changed`; it makes no check drifted and no alarm, and is never repaired.
A difference is repairable when a provision run converges it: `remediate: true` starts one when all differences of a
check are, and touches nothing otherwise. Data is never deleted. `mode: plan` makes the same comparison before a run.
"""


def kinds_of(module: ModuleType) -> Iterator[DriftKind]:
    """In the order in which the module defines them."""
    return (value for value in vars(module).values() if isinstance(value, DriftKind))


def markdown() -> str:
    return "\n".join([_HEAD, *(_section(title, module) for title, module in SECTIONS.items())])


def _section(title: str, module: ModuleType) -> str:
    rows = "\n".join(_row(kind) for kind in kinds_of(module))
    return f"""\
## {title}

| resource, path | what it means | severity | repairable, or what a person can do |
|---|---|---|---|
{rows}
"""


def _row(kind: DriftKind) -> str:
    fix = f"{'yes' if kind.repairable else 'no'}: {kind.fix}"
    where = f"{_cell(kind.resource)}<br>`{kind.path}`"
    return f"| {where} | {_cell(kind.meaning)} | {kind.severity} | {_cell(fix)} |"


def _cell(text: str) -> str:
    """Placeholders as GitHub shows them: braces stay, brackets would be tags."""
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    print(markdown(), end="")
