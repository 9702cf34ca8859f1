"""What a provision run would do, before it does it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from provisioner import volumes
from provisioner.aws.session import Target
from provisioner.difference import Inspected
from provisioner.inspection.infrastructure import Infrastructure, infrastructure
from provisioner.inspection.objects import objects, planned_objects, unlisted_volumes
from provisioner.request import Request
from provisioner.resources import account
from provisioner.resources.functions_access import OUTSIDE, Functions


class Action(StrEnum):
    CREATE = "create"
    CHANGE = "change"
    REPLACE_BY_HAND = "replace_by_hand"
    """A run stops here: only a person can do it."""


@dataclass(frozen=True)
class Plan:
    """`inspected` in the order in which a run acts."""

    inspected: Sequence[Inspected]
    warnings: Sequence[str]

    def payload(self) -> dict[str, Any]:
        """{status, summary, changes: [{resource, action, differences}], unchanged: [resource], warnings}."""
        return {
            "status": "Planned",
            "summary": self.summary,
            "changes": [
                {
                    "resource": each.resource,
                    "action": str(action_of(each)),
                    "differences": [difference.payload() for difference in each.differences],
                }
                for each in self._changing
            ],
            "unchanged": [each.resource for each in self.inspected if not each.differences],
            "warnings": list(self.warnings),
        }

    @property
    def summary(self) -> str:
        count = Counter(map(action_of, self._changing))
        if not count:
            return "no changes"
        return (
            f"{count[Action.CREATE]} to create, {count[Action.CHANGE]} to change, "
            f"{count[Action.REPLACE_BY_HAND]} that only a person can change"
        )

    @property
    def _changing(self) -> list[Inspected]:
        return [each for each in self.inspected if each.differences]


def plan(request: Request, target: Target, functions: Functions = OUTSIDE) -> Plan:
    """Looks at everything that a run would touch, and touches nothing.

    Raises: what `infrastructure` and `objects` raise; TerminalError for an account or a network in which no run would
    come to its end.
    """
    unseen = account.check(request, target, functions)
    found = infrastructure(request, target, functions)
    storage = planned_objects(request) if found.cluster[0].is_missing else objects(request, target, functions)
    inspected = [*found.network, *found.cluster, *found.storage, *storage, *found.dns]
    warnings = [*request.warnings, *volumes.warnings(request), *unseen, *_not_looked_at(found, storage)]
    kept = unlisted_volumes(request, target) if storage and not found.cluster[0].is_missing else []
    return Plan(inspected, [*warnings, *kept])


def _not_looked_at(found: Infrastructure, storage: Sequence[Inspected]) -> list[str]:
    """Of a cluster that is neither missing nor ACTIVE nothing inside is looked at; of one that lets nobody in, less."""
    if not found.dns:
        return ["cluster_is_not_active_so_that_what_is_inside_it_was_not_looked_at"]
    return [] if storage else ["cluster_lets_nobody_in_so_that_its_storage_objects_were_not_looked_at"]


def action_of(inspected: Inspected) -> Action:
    if inspected.is_missing:
        return Action.CREATE
    return Action.CHANGE if all(each.repairable for each in inspected.differences) else Action.REPLACE_BY_HAND
