"""Whether the VPC and its private subnets are as asked for: the stack that we made, or somebody's VPC."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from provisioner.difference import EXISTS, Difference, DriftKind, Inspected, Severity
from provisioner.request import CreatedNetwork, ExistingNetwork, Request
from provisioner.resources import nat_stack, network_stack, stack, ways_out_drift
from provisioner.resources.ownership import ownership
from provisioner.resources.vpc import Network, dns_attributes, subnets_of

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef
    from mypy_boto3_ec2 import EC2Client

_SUBNET: Final = "subnet "

STACK_MISSING = DriftKind(
    resource="network stack {stack}",
    path=EXISTS,
    severity=Severity.CRITICAL,
    meaning="The network's CloudFormation stack is gone, and with it the record of which VPC and subnets are ours.",
    fix="a run makes a new network; a cluster and a file system that exist cannot move into it: "
    "choose another cluster name, or name their VPC in `network`",
    repairable=False,
)
NAT_MISSING = DriftKind(
    resource="network stack {stack}",
    path=EXISTS,
    severity=Severity.CRITICAL,
    meaning="The stack with the NAT gateways and the routes to them is gone, and with it the private subnets' way out: "
    "no new pod gets its image. Networks that have them in their one stack need no other.",
    fix="a run makes {stack} again",
)
STACK_IN_PROGRESS = DriftKind(
    resource="network stack {stack}",
    path="status",
    severity=Severity.WARNING,
    meaning="Somebody is changing the stack of the network right now.",
    fix="a run waits until {stack} is no longer {actual}",
)
STACK_FAILED = DriftKind(
    resource="network stack {stack}",
    path="status",
    severity=Severity.WARNING,
    meaning="A change of the stack failed or was rolled back halfway; CloudFormation refuses the next one.",
    fix="finish, roll back or delete {stack} by hand: nothing but a person can know which",
    repairable=False,
)
STACK_PARAMETER = DriftKind(
    resource="network stack {stack}",
    path="parameters.{parameter}",
    severity=Severity.WARNING,
    meaning="The network was made, or updated, with another layout; subnets under a running cluster are not moved.",
    fix="ask for the network as it is ({actual}), or update {stack} by hand",
    repairable=False,
)
STACK_TAG = DriftKind(
    resource="{resource}",
    path="tags.{tag}",
    severity=Severity.WARNING,
    meaning="The stack, and with it all of the network, lacks a tag that the request asks for, or has another value.",
    fix="update the {resource} by hand, with its template and parameters as they are and the tag {tag}={expected} "
    "besides its others: CloudFormation passes them on to the VPC and what is in it, and a run updates no stack",
    repairable=False,
)
VPC_MISSING = DriftKind(
    resource="VPC {vpc}",
    path=EXISTS,
    severity=Severity.CRITICAL,
    meaning="The VPC is gone: there is no network in which cluster and file system could meet.",
    fix="nothing can bring {vpc} back: choose another network and another cluster name",
    repairable=False,
)
SUBNET_MISSING = DriftKind(
    resource="subnet {subnet}",
    path=EXISTS,
    severity=Severity.CRITICAL,
    meaning="A private subnet is gone, or its owner no longer shares it: no new pod and no new mount target comes up "
    "there.",
    fix="have {subnet} shared again if it is another account's; else make a private subnet in that zone by hand and "
    "name it in `network`: {subnet} cannot come back under its id",
    repairable=False,
)
DNS_OFF = DriftKind(
    resource="VPC {vpc}",
    path="{attribute}",
    severity=Severity.CRITICAL,
    meaning="Without it the name of the file system does not resolve, and new mounts fail. In a VPC that we made.",
    fix="a run switches {attribute} of {vpc} on",
)
DNS_OFF_IN_EXISTING = DriftKind(
    resource="VPC {vpc}",
    path="{attribute}",
    severity=Severity.CRITICAL,
    meaning="Without it the name of the file system does not resolve, and new mounts fail. In somebody else's VPC.",
    fix="switch {attribute} of {vpc} on; an existing network is never changed by a run",
    repairable=False,
)


@dataclass(frozen=True)
class NetworkState:
    """`network` as far as it is there; `inspected` from the outermost resource to the innermost."""

    inspected: list[Inspected]
    network: Network | None = None
    beside: frozenset[str] = frozenset()
    """Names of what is in the network, and encloses nothing."""

    @property
    def is_whole(self) -> bool:
        return not any(each.is_missing for each in self.inspected)

    @property
    def is_missing(self) -> bool:
        """Not there at all, rather than under way or without some of its subnets."""
        return any(each.is_missing for each in self.inspected if each.resource in self.enclosing)

    @property
    def enclosing(self) -> list[str]:
        """Names of what everything else in the network needs: the stack and the VPC, not each subnet."""
        names = (each.resource for each in self.inspected)
        return [each for each in names if not each.startswith(_SUBNET) and each not in self.beside]


def inspect(
    request: Request,
    ec2: "EC2Client",
    cloudformation: "CloudFormationClient",
    *,
    proven_resolvers: Sequence[str] | None = None,
) -> NetworkState:
    """The network against what `network.ensure` converges to, and its ways out against those that work. Only reads.

    `proven_resolvers`: of an existing network, as `network.ensure` told them when the cluster was proven.
    """
    if isinstance(request.network, ExistingNetwork):
        subnet_ids = request.network.private_subnet_ids
        found = _vpc(request.network.vpc_id, subnet_ids, DNS_OFF_IN_EXISTING, ec2)
        return _with_ways_out(request, found, ec2, proven_resolvers)
    return _created(request, request.network, ec2, cloudformation)


def _created(
    request: Request, wanted: CreatedNetwork, ec2: "EC2Client", cloudformation: "CloudFormationClient"
) -> NetworkState:
    name = network_stack.stack_name(request.cluster.name)
    resource, found = f"network stack {name}", network_stack.find(request, cloudformation)
    if found is None:
        nat = _nat(request, wanted, None).within([resource])
        looked_at = Inspected.of(resource, [STACK_MISSING.missing(stack=name)])
        return NetworkState([looked_at, nat], beside=frozenset([nat.resource]))
    changed = network_stack.changed_parameters(wanted, found)
    looked_at = Inspected.of(resource, _stack_differences(request, found, changed, resource))
    vpc_id, subnet_ids = network_stack.outputs_of(found)
    if not vpc_id:
        return NetworkState([looked_at])
    beside, leads_out = [], True
    if not network_stack.has_nat(found):
        nat_found = nat_stack.find(request, cloudformation)
        beside, leads_out = [_nat(request, wanted, nat_found)], nat_stack.stands(nat_found)
    state = _vpc(vpc_id, subnet_ids, DNS_OFF, ec2)
    state = _with_ways_out(request, state, ec2, (), leads_out=leads_out)
    if state.network and (zones := network_stack.changed_zones(wanted, state.network)):
        difference = STACK_PARAMETER.found(expected=zones[0], actual=zones[1], stack=name, parameter="Zones")
        looked_at = Inspected.of(resource, [*looked_at.differences, difference])
    inside = [each.within([resource]) for each in (*beside, *state.inspected)]
    return NetworkState([looked_at, *inside], state.network, frozenset(each.resource for each in beside))


def _nat(request: Request, wanted: CreatedNetwork, found: "StackTypeDef | None") -> Inspected:
    """What never came to stand is missing: a run makes it anew."""
    name = nat_stack.stack_name(request.cluster.name)
    resource = f"network stack {name}"
    if found is None or not (nat_stack.stands(found) or found["StackStatus"].endswith("_IN_PROGRESS")):
        return Inspected.of(resource, [NAT_MISSING.missing(stack=name)])
    changed = nat_stack.changed_parameters(wanted, found)
    return Inspected.of(resource, _stack_differences(request, found, changed, resource))


def _with_ways_out(
    request: Request,
    found: NetworkState,
    ec2: "EC2Client",
    proven_resolvers: Sequence[str] | None,
    *,
    leads_out: bool = True,
) -> NetworkState:
    if found.network is None:
        return found
    ways = ways_out_drift.inspect(request, found.network, ec2, proven_resolvers=proven_resolvers, leads_out=leads_out)
    return NetworkState([*found.inspected, *(each.within(found.enclosing) for each in ways)], found.network)


def _stack_differences(
    request: Request, found: "StackTypeDef", changed: Mapping[str, tuple[str, str | None]], resource: str
) -> list[Difference]:
    name, status = found["StackName"], found["StackStatus"]
    tags = {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}
    differences = ownership(request, tags, resource, STACK_TAG)
    if status.endswith("_IN_PROGRESS") and status != "ROLLBACK_IN_PROGRESS":
        differences.append(STACK_IN_PROGRESS.found(expected="CREATE_COMPLETE", actual=status, stack=name))
    elif not stack.is_complete(status):
        differences.append(STACK_FAILED.found(expected="CREATE_COMPLETE", actual=status, stack=name))
    return differences + [
        STACK_PARAMETER.found(expected=asked, actual=actual, stack=name, parameter=parameter)
        for parameter, (asked, actual) in changed.items()
    ]


def _vpc(vpc_id: str, subnet_ids: Iterable[str], dns_off: DriftKind, ec2: "EC2Client") -> NetworkState:
    resource = f"VPC {vpc_id}"
    attributes = dns_attributes(vpc_id, ec2)
    if attributes is None:
        return NetworkState([Inspected.of(resource, [VPC_MISSING.missing(vpc=vpc_id)])])
    off = [attribute for attribute, is_on in attributes.items() if not is_on]
    differences = [dns_off.found(expected=True, actual=False, vpc=vpc_id, attribute=attribute) for attribute in off]
    network = Network.from_subnets(vpc_id, subnets_of(subnet_ids, ec2))
    gone = [subnet_id for subnet_id in subnet_ids if subnet_id not in network.subnet_ids]
    missing = [Inspected.of(f"{_SUBNET}{each}", [SUBNET_MISSING.missing(subnet=each)]) for each in gone]
    return NetworkState([Inspected.of(resource, differences), *(each.within([resource]) for each in missing)], network)
