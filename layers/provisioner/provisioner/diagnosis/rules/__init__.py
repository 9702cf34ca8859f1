"""Every cause that we know, in the order in which equals are ranked."""

from typing import Final

from provisioner.diagnosis.model import Rule
from provisioner.diagnosis.rules import control_plane, endpoints, mounting, pods

RULES: Final[tuple[Rule, ...]] = (*control_plane.RULES, *endpoints.RULES, *pods.RULES, *mounting.RULES)
