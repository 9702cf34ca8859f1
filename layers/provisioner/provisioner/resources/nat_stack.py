"""The ways out of a network that we create: internet gateway, NAT gateways and routes, a CloudFormation stack of their
own beside the network's.

A cluster is made meanwhile, since it needs subnets only; and NAT gateways that fail take nothing with them in which the
cluster stands. Networks that were made before have them in their one stack, and stay so.
"""

from typing import TYPE_CHECKING

from provisioner.observation import Observation, Reason
from provisioner.request import CreatedNetwork, ExistingNetwork, Request
from provisioner.resources import network_stack, stack
from provisioner.resources.network_stack import NAT_GATEWAYS

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

# It takes about two minutes.
FIRST_LOOK_SECONDS = 60
POLL_SECONDS = 15


def stack_name(cluster_name: str) -> str:
    """Beside the network's, by the same rules."""
    return f"{network_stack.stack_name(cluster_name).removesuffix('-network')}-nat"


def find(request: Request, cloudformation: "CloudFormationClient") -> "StackTypeDef | None":
    """The stack, None when absent."""
    return stack.find(stack_name(request.cluster.name), cloudformation)


def ensure(request: Request, run: str, cloudformation: "CloudFormationClient") -> Observation:
    """Converge an internet gateway, one NAT gateway or one per zone, and the subnets' default routes to them.

    Nothing is to be done in an existing network, and in one whose own stack has NAT gateways. As `stack.ensure`.
    Raises: its errors; TerminalError IMMUTABLE.
    """
    if isinstance(request.network, ExistingNetwork):
        return Observation.ready_with()
    around = network_stack.find(request, cloudformation)
    if around is None or not stack.is_complete(around["StackStatus"]):
        # It was complete a moment ago: somebody changes it, or this look is older than that one.
        return Observation.pending(Reason.UPDATING, retry_after_seconds=POLL_SECONDS)
    if network_stack.has_nat(around):
        return Observation.ready_with()
    wanted = request.network
    one = stack.WantedStack(
        stack_name(request.cluster.name),
        "nat",
        "nat.yaml",
        lambda: parameters_for(wanted, around),
        FIRST_LOOK_SECONDS,
        POLL_SECONDS,
    )
    found = stack.ensure(request, one, run, cloudformation)
    if isinstance(found, Observation):
        return found
    if changed := changed_parameters(wanted, found):
        raise stack.immutable(found, {f"network.nat ({key})": values for key, values in changed.items()})
    return Observation.ready_with()


def parameters_for(wanted: CreatedNetwork, around: "StackTypeDef") -> dict[str, str]:
    """The template's parameters, from what the network's stack tells of itself."""
    outputs = stack.outputs_of(around)
    parameters = {NAT_GATEWAYS: str(wanted.nat), "Vpc": outputs["VpcId"]}
    for name in ("PublicSubnet", "PrivateSubnet"):
        ids = outputs[f"{name}Ids"].split(",")
        for index in range(network_stack.MOST_ZONES):
            parameters[f"{name}{index + 1}"] = ids[index] if index < len(ids) else ""
    return parameters


def changed_parameters(wanted: CreatedNetwork, found: "StackTypeDef") -> dict[str, tuple[str, str | None]]:
    """Parameter -> (asked for, actual), for those that the stack was made with otherwise."""
    actual = stack.parameters_of(found).get(NAT_GATEWAYS)
    return {} if actual == wanted.nat else {NAT_GATEWAYS: (wanted.nat, actual)}


def stands(found: "StackTypeDef | None") -> bool:
    """Whether it was there once, whatever became of it since: a run makes anew only what never was."""
    return found is not None and bool(stack.outputs_of(found))


def is_to_come(request: Request, cloudformation: "CloudFormationClient") -> bool:
    """Whether a run has yet to make what leads out of the network that it makes, or has made."""
    around = network_stack.find(request, cloudformation)
    return (around is None or not network_stack.has_nat(around)) and not stands(find(request, cloudformation))
