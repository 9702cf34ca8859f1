"""Without any one statement something is refused, and it is told what to whom."""

import pytest

from tests.permissions.conftest import Played
from tests.permissions.invocations import Refused
from tests.permissions.rights import Right, attached_to, detached
from tests.permissions.scenarios import QUICK, guest, settled
from tests.permissions.without import attempt, ran

MACHINES = ("Provision", "Reverify", "Fleet", "Teardown")
TOLD_NOBODY = ("WriteLogs", "SendTraces", "KeepWhatDidNotStart", "KeepWhatWasNotTold", "LookAtItself")
"""What Lambda and EventBridge Scheduler do besides, and how old a role is to which something else was denied, which is
what is told then; AWS tells nobody that it could not, and only the audit knows."""

OWN_WORDS = {
    "DeliverLogs": "is not authorized to access the Log Destination",
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


@pytest.mark.parametrize("name", MACHINES)
def test_a_machine_has_no_traces_without_awss_own_policy_on_its_role(name: str, swept: Played) -> None:
    role_arn, policy_arn = attached(swept)[f"{name}StateMachineRole"]
    audit, machine = swept.world.cloud.server.authoriser.audit, swept.world.machine(name)
    seen = len(audit)
    with detached(role_arn, policy_arn):
        machine.run({"nothing": "that is known"})
    assert {(each.principal, each.action) for each in audit.denied(seen)} == {(role_arn, "xray:PutTraceSegments")}


def test_pods_run_no_image_of_the_accounts_without_awss_own_policy_on_their_role(swept: Played) -> None:
    with detached(*attached(swept)["FargatePodsRole"]):
        said = ran(swept.world.machine("Provision"), guest(swept.world, "second"))
    assert "no basic auth credentials" in said


def test_eks_makes_no_cluster_without_awss_own_policy_on_its_role(swept: Played) -> None:
    request = {"cluster": {"name": "second-unbuilt"}, "verification": QUICK}
    with detached(*attached(swept)["ClusterRole"]):
        said = ran(swept.world.machine("Provision"), request)
    assert "eks-efs-provisioner-cluster does not have arn:aws:iam::aws:policy/AmazonEKSClusterPolicy" in said


def test_these_are_all_of_awss_own_policies(swept: Played) -> None:
    machines = {f"{name}StateMachineRole" for name in MACHINES}
    assert attached(swept).keys() == {"ClusterRole", "FargatePodsRole", *machines}


def attached(swept: Played) -> dict[str, tuple[str, str]]:
    """Role in the template -> its ARN and that of AWS's policy, in the app's own account."""
    here = f":{swept.world.cloud.account_id}:"
    return {role: (arn, policy) for role, arn, policy in attached_to() if here in arn}


def try_without(swept: Played, right: Right) -> Refused:
    audit = swept.world.cloud.server.authoriser.audit
    for name in MACHINES:  # what an attempt before has left running holds its clusters
        settled(swept.world.machine(name))
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
