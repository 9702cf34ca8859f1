"""Where nothing is wrong no probe proves anything; and looking changes nothing."""

import pytest

from provisioner.diagnosis.model import Rule
from provisioner.diagnosis.rules import RULES
from tests.unit.diagnosis.world import World

# What only the refusal itself can say; a look that finds nothing wrong cannot refute it.
NEVER_REFUTED = {"throttled", "access-denied", "quota-reached", "owned-by-another"}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_probe_that_finds_everything_right_refutes_with_what_it_saw(rule: Rule, world: World) -> None:
    finding = rule.probe(world.live(), "")
    assert finding.verdict == ("possible" if rule.id in NEVER_REFUTED else "refuted")
    assert finding.looked_at
    assert finding.saw


def test_probes_only_read(world: World) -> None:
    live = world.live()
    for rule in RULES:
        rule.probe(live, "CreateCluster CreateFileSystem CreateStack CreateVpc No such file or directory")
    assert len(world.calls.names) > 20
    assert world.calls.mutating == []
    assert [change for change in world.kubernetes.changes if not change.startswith("create")] == []
