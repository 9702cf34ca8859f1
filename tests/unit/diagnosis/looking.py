"""One rule's look at a world."""

from provisioner.diagnosis.model import Finding, Rule
from provisioner.diagnosis.rules import RULES
from tests.unit.diagnosis.world import World


def rule(rule_id: str) -> Rule:
    return next(each for each in RULES if each.id == rule_id)


def look(world: World, rule_id: str, text: str = "") -> tuple[Finding, str]:
    """What the probe found, and the fix with its ids."""
    finding = rule(rule_id).probe(world.live(), text)
    return finding, rule(rule_id).fix_with(finding.ids)
