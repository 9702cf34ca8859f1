"""Every check, in the order in which they are made: a module per kind."""

from first_contact.check import Check
from first_contact.checks import (
    absences,
    deployed,
    events,
    kubernetes,
    machines,
    network,
    policies,
    quotas,
    rights,
    roles,
    run,
    states,
    templates,
)

EVERY: tuple[Check, ...] = (
    *templates.CHECKS,
    *machines.CHECKS,
    *states.CHECKS,
    *events.CHECKS,
    *policies.CHECKS,
    *rights.CHECKS,
    *quotas.CHECKS,
    *kubernetes.CHECKS,
    *network.CHECKS,
    *absences.CHECKS,
    *roles.CHECKS,
    *deployed.CHECKS,
    *run.CHECKS,
)
"""Those of `run` need one real provisioning; none of the others makes anything, or is charged for."""


def names() -> set[str]:
    """What an assumption may name: checks, and those of their items that are known beforehand."""
    return {check.name for check in EVERY} | {f"{check.name}/{item}" for check in EVERY for item in check.items if item}
