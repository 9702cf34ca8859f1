"""Whether pods still can use the file system that another account lends: all that a run checks of it, and no more."""

from provisioner.difference import EXISTS, Difference, DriftKind, Inspected, Severity
from provisioner.request import Request
from provisioner.resources.lent_file_system import Found, Lack

MISSING = DriftKind(
    resource="file system {file_system} of account {account}",
    path=EXISTS,
    severity=Severity.CRITICAL,
    meaning="The account that had it has it no more, or shows it no more: its data is that account's to look for.",
    fix="{remedy}, after asking account {account} where the data of {file_system} is",
    repairable=False,
)
UNFIT = DriftKind(
    resource="file system {file_system} of account {account}",
    path="{path}",
    severity=Severity.CRITICAL,
    meaning="Its state, policy, mount targets, or the groups and network ACLs before them, keep pods from it.",
    fix="{remedy}: a run never changes what another account has",
    repairable=False,
)


def inspect(request: Request, found: Found) -> Inspected:
    """What `lent_file_system.look` found, as differences."""
    return Inspected.of(
        f"file system {request.file_system.existing} of account {request.lender}",
        [_difference(request, each) for each in found.lacks],
    )


def _difference(request: Request, lack: Lack) -> Difference:
    names = {"file_system": request.file_system.existing, "account": request.lender, "remedy": lack.remedy}
    if lack.path == EXISTS:
        return MISSING.missing(**names)
    return UNFIT.found(expected="lets pods in", actual=lack.what, path=lack.path, **names)
