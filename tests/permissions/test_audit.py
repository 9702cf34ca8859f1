"""Everything that is granted is needed, and everything that is needed is granted: by every role, on every resource."""

from tests.permissions.conftest import Played
from tests.permissions.rights import Right, uses


def test_nothing_was_refused(played: Played) -> None:
    assert [str(decision) for decision in played.decisions if not decision.allowed] == []


def test_every_role_needs_every_action_that_it_is_granted(played: Played) -> None:
    def unused(right: Right) -> list[str]:
        used = {action for action, _ in uses(right, played.decisions)}
        return [action for action in right.actions if action not in used]

    assert played.rights
    assert {right.label: unused(right) for right in played.rights if unused(right)} == {}


def test_every_role_needs_every_resource_that_it_is_granted_something_on(played: Played) -> None:
    def unused(right: Right) -> list[str]:
        used = {resource for _, resource in uses(right, played.decisions)}
        return [resource for resource in right.resources if resource not in used]

    assert {right.label: unused(right) for right in played.rights if unused(right)} == {}


def test_everybody_who_was_asked_about_is_a_role_of_ours(played: Played) -> None:
    """A role that is not in the table would have been missed by it."""
    ours = {right.role_arn for right in played.rights}
    elsewhere = {decision.principal for decision in played.decisions} - ours
    # The same of an account that came later.
    assert all(
        arn.endswith(tuple(f":role/eks-efs-provisioner-{each}" for each in ("provisioner", "inspector", "remover")))
        for arn in elsewhere
    )


def test_every_statement_is_needed_alone_for_every_action_that_it_grants(played: Played) -> None:
    granted: dict[str, set[str]] = {}
    needed: dict[str, set[str]] = {right.label: set() for right in played.rights}
    for decision in played.decisions:
        allowing = [right for right in played.rights if right.is_of(decision)]
        for right in allowing:
            granted.setdefault(right.label, set()).add(decision.action)
        if len(allowing) == 1:
            needed[allowing[0].label].add(decision.action)
    twice = {label: sorted(actions - needed[label]) for label, actions in granted.items()}
    assert {label: actions for label, actions in twice.items() if actions} == {}
