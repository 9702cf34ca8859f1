"""Without any one statement something is refused, and it is told what to whom."""

from tests.permissions.conftest import Played
from tests.permissions.invocations import Refused
from tests.permissions.rights import Right
from tests.permissions.without import attempt

TOLD_NOBODY = ("WriteLogs", "SendTraces", "KeepWhatDidNotStart")
"""What Lambda and EventBridge Scheduler do besides; AWS tells nobody that it could not, and only the audit knows."""

OWN_WORDS = {
    "DeliverLogsAndTraces": "is not authorized to access the Log Destination",
    "WaitForExecutions": "is not authorized to create managed-rule",
}
"""Step Functions names no action when it refuses to make or change a machine."""


def test_without_one_statement_something_is_refused_and_it_is_told_what_to_whom(label: str, swept: Played) -> None:
    (right,) = [each for each in swept.rights if each.label == label]
    refused = swept.invocations.refused.get(label) or try_without(swept, right)
    assert refused.decision.action in right.actions
    assert refused.decision.principal == right.role_arn
    if right.name in OWN_WORDS:
        assert OWN_WORDS[right.name] in refused.said
    elif right.name not in TOLD_NOBODY:
        assert names_it(refused), refused


def try_without(swept: Played, right: Right) -> Refused:
    audit = swept.world.cloud.server.authoriser.audit
    run, seen = attempt(swept.world, right, "second", swept.invocations), len(audit)
    with right.taken_away():
        said = run()
    missed = [decision for decision in audit.denied(seen) if right.is_of(decision)]
    assert missed, f"nobody missed {right.label}: {said[:500]}"
    return Refused(missed[0], said)


def names_it(refused: Refused) -> bool:
    """Who, and what: the action, or the role that could not be assumed."""
    who = refused.decision.role_name in refused.said
    what = refused.decision.action in refused.said
    return (who and what) or refused.decision.resource in refused.said
