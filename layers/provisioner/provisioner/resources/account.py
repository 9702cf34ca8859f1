"""Everything that can be known to end a run before the run has changed anything, looked up and told together.

What may not be looked at is a warning: a right that only looking needs must not keep anybody from a cluster.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnectionError

from provisioner.aws.errors import boundary_error
from provisioner.aws.session import Target, of_file_system
from provisioner.errors import ErrorReason, RetryableError, TerminalError
from provisioner.request import CreatedNetwork, ExistingNetwork, Request
from provisioner.resources import (
    cluster,
    cluster_version,
    existing_file_system,
    existing_network,
    file_system,
    functions_way,
    keys,
    lent_file_system,
    nat_stack,
    network,
    network_stack,
    peer,
    principals,
    quotas,
    service_roles,
    ways_out_drift,
)
from provisioner.resources.functions_access import OUTSIDE, Functions
from provisioner.resources.peer_ways import View
from provisioner.resources.problem import Problem, refusal
from provisioner.resources.quotas import Demand


@dataclass
class Findings:
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def check(request: Request, target: Target, functions: Functions = OUTSIDE) -> list[str]:
    """Warnings, when nothing is known to keep a run from its end. Only reads; the same call says the same again.

    `functions`: where those are that are to reach the cluster's endpoint.

    Raises: TerminalError that lists every problem with its value and remedy; ClientError when AWS throttles or fails.
    """
    found = look(request, target, functions)
    if found.problems:
        raise refusal(found.problems)
    return found.warnings


def look(request: Request, target: Target, functions: Functions = OUTSIDE) -> Findings:
    """What `check` judges by. Raises: ClientError."""
    found = Findings()
    for part in (_network, _peer, _cluster, _file_system, _keys, _principals, _service_roles, _quotas):
        part(request, target, found)
    _functions(request, target, functions, found)
    return found


def _network(request: Request, target: Target, found: Findings) -> None:
    wanted = request.network
    if isinstance(wanted, ExistingNetwork):
        with _reading(f"network {wanted.vpc_id}", found):
            checked = existing_network.check(request, wanted, target.client("ec2"))
            found.problems += checked.problems
            found.warnings += checked.warnings
        return
    with _reading(f"the network of {request.cluster.name}", found):
        made = network_stack.existing(request, target.client("ec2"), target.client("cloudformation"))
        if made is not None:
            leads_out = not nat_stack.is_to_come(request, target.client("cloudformation"))
            found.problems += ways_out_drift.problems(request, made, target.client("ec2"), leads_out=leads_out)


def _functions(request: Request, target: Target, functions: Functions, found: Findings) -> None:
    wanted, ec2 = request.network, target.client("ec2")
    with _reading("the functions' way to the cluster", found):
        if isinstance(wanted, ExistingNetwork):
            there = existing_network.find(wanted, ec2)
            if there is None:  # which is told already
                return
        else:
            there = network_stack.existing(request, ec2, target.client("cloudformation"))
        way = functions_way.look(request, functions, there, ec2)
        found.problems += way.problems
        found.warnings += way.unseen


def _cluster(request: Request, target: Target, found: Findings) -> None:
    eks = target.client("eks")
    with _reading(f"the version of {request.cluster.name}", found):
        found.problems += cluster_version.problems(request, cluster.find(request, eks), eks)


def _peer(request: Request, target: Target, found: Findings) -> None:
    wanted, ec2 = request.file_system.peer, target.client("ec2")
    if wanted is None:
        return
    with _reading(f"file_system.peer {wanted.vpc_id}", found):
        if isinstance(request.network, ExistingNetwork):
            pods = existing_network.find(request.network, ec2)
            if pods is None:  # which is told already
                return
        else:
            pods = network_stack.existing(request, ec2, target.client("cloudformation"))
        lender = None
        if request.lender:
            theirs = _lender(request, target, found)
            if theirs is None:
                return
            lender = View(theirs.account_id, theirs.client("ec2"))
            looked_at = lent_file_system.look(request, pods, theirs.client("efs"), lender.ec2, ec2)
            found.problems += looked_at.problems
            found.warnings += looked_at.unseen
        problems, warnings = peer.check(request, wanted, pods, ec2, lender)
        found.problems += problems
        found.warnings += warnings


def _lender(request: Request, target: Target, found: Findings) -> Target | None:
    """None, and told, where nobody of ours is let in: who lends a file system is asked beforehand, unlike an account
    to which a StackSet is still to come.
    """
    try:
        return of_file_system(request, target)
    except RetryableError as error:
        if error.reason is not ErrorReason.ROLE_NOT_ASSUMABLE:
            raise
        what = f"file_system.peer.account_id is {request.lender}, where {error.subject} cannot be assumed"
        remedy = f"have account {request.lender} deploy accounts/target.yaml with this application's ExternalId"
        found.problems.append(Problem(ErrorReason.UNSUITABLE_ACCOUNT, what, remedy))
        return None


def _file_system(request: Request, target: Target, found: Findings) -> None:
    if request.lender and request.file_system.existing:
        with _reading(f"file systems of {request.cluster.name}", found):
            try:
                file_system.require_no_other(request, request.file_system.existing, target.client("efs"))
            except TerminalError as error:
                found.problems.append(Problem.of(error))
    elif request.file_system.existing:
        with _reading(f"file_system.existing {request.file_system.existing}", found):
            vpc_id = network.find_mounts_vpc_id(request, target.client("cloudformation"))
            found.problems += existing_file_system.problems(request, vpc_id, target.client("efs"))


def _keys(request: Request, target: Target, found: Findings) -> None:
    for name, arn in keys.named_in(request).items():
        with _reading(f"{name} {arn}", found):
            if problem := keys.problem(name, arn, target.client("kms")):
                found.problems.append(problem)


def _principals(request: Request, target: Target, found: Findings) -> None:
    """Who is to be let in has to be there, under that very ARN: EKS takes no other. Other accounts' are not seen."""
    for arn in request.cluster.admin_principal_arns:
        if not principals.is_of_account(request, arn):
            continue
        with _reading(f"principal {arn}", found):
            principal = principals.find(arn, target.client("iam"))
            if principal is None:
                problem = f"cluster.admin_principal_arns has {arn}, which does not exist", "make it, or leave it out"
            elif principal.arn != arn:
                problem = f"cluster.admin_principal_arns has {arn}, whose ARN is another", f"name {principal.arn}"
            else:
                continue
            found.problems.append(Problem(ErrorReason.UNSUITABLE_ACCOUNT, *problem))


def _service_roles(_request: Request, target: Target, found: Findings) -> None:
    for role in service_roles.NEEDED:
        with _reading(f"role {role.name}", found):
            if problem := service_roles.problem(role, target.role_arn("provisioner"), target.client("iam")):
                found.problems.append(problem)


def _quotas(request: Request, target: Target, found: Findings) -> None:
    """Of what is still to be made; how much there is is asked only where the quota is known."""
    service_quotas = target.client("service-quotas")
    for demands in (_of_network, _of_cluster, _of_file_system, _of_pods):
        with _reading("what is there already", found):
            for demand in demands(request, target, found):
                try:
                    with _reading(f"quota {demand.quota}", found, whatever_is_said=True):
                        if problem := demand.problem(quotas.look_up(demand.quota, service_quotas), request.region):
                            found.problems.append(problem)
                except (HTTPClientError, NoConnectionError) as error:
                    # The function has no time to wait as long for each of the others.
                    what = f"quota {demand.quota} and those after it"
                    found.warnings.append(f"{what} could not be read: {type(error).__name__}")
                    return


def _of_network(request: Request, target: Target, found: Findings) -> Iterable[Demand]:
    wanted, ec2 = request.network, target.client("ec2")
    if not isinstance(wanted, CreatedNetwork):
        return ()
    cloudformation = target.client("cloudformation")
    is_there = network_stack.find(request, cloudformation) is not None
    if is_there and not nat_stack.is_to_come(request, cloudformation):
        return ()
    try:
        zones = network_stack.zones_for(wanted, request.region, ec2)
    except TerminalError as error:
        found.problems.append(Problem.of(error))
        return ()
    nat = quotas.of_nat(zones[: 1 if wanted.nat == "single" else len(zones)], ec2)
    return nat if is_there else (quotas.of_vpc(request.account_id, ec2), *nat)


def _of_cluster(request: Request, target: Target, _: Findings) -> Iterable[Demand]:
    eks = target.client("eks")
    return () if cluster.find(request, eks) else (quotas.of_cluster(eks),)


def _of_file_system(request: Request, target: Target, _: Findings) -> Iterable[Demand]:
    efs = target.client("efs")
    return () if request.file_system.existing or file_system.find(request, efs) else (quotas.of_file_system(efs),)


def _of_pods(request: Request, target: Target, _: Findings) -> Iterable[Demand]:
    with_dns = cluster.find(request, target.client("eks")) is None
    return (quotas.of_pods(request, target.client("cloudwatch"), datetime.now(UTC), with_dns=with_dns),)


@contextmanager
def _reading(what: str, found: Findings, *, whatever_is_said: bool = False) -> Iterator[None]:
    """What may not be read becomes a warning; `whatever_is_said`, also what AWS says otherwise."""
    try:
        yield
    except ClientError as error:
        refused = boundary_error(error, error.operation_name)
        if not whatever_is_said and refused.reason is not ErrorReason.ACCESS_DENIED:
            raise
        found.warnings.append(f"{what} could not be read: {refused.subject}")
