"""Every cause that we know, in the order in which equals are ranked."""

from typing import Final

from provisioner.diagnosis.model import Rule
from provisioner.diagnosis.rules import admission, control_plane, endpoints, fargate, mounting, pods

RULES: Final[tuple[Rule, ...]] = (
    *control_plane.RULES,
    *endpoints.RULES,
    *admission.RULES,
    *fargate.RULES,
    *pods.RULES,
    *mounting.RULES,
)
