"""Everything in AWS that belongs to a request, in the order in which provision acts."""

from provisioner.aws.session import Target
from provisioner.difference import Inspected
from provisioner.request import Request
from provisioner.resources import network_drift, security_group, security_group_drift


def infrastructure(request: Request, target: Target) -> list[Inspected]:
    """Each resource with what it is not. Only reads."""
    ec2 = target.client("ec2")
    state = network_drift.inspect(request, ec2, target.client("cloudformation"))
    group = state.network and security_group.find(request, state.network, ec2)
    group = group or security_group_drift.find_elsewhere(request, ec2)
    return [
        *state.inspected,
        security_group_drift.inspect(request, state.network, group).within(state.enclosing),
    ]
