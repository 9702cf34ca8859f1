"""Decides what a principal may do, and remembers it.

Source: IAM guide, "Policy evaluation logic", within one account and "Cross-account policy evaluation logic", and
"Troubleshoot access denied error messages".
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from local.aws.iam import Principal
from local.aws.permissions import guardrails, identity, keys, tag_policies
from local.aws.permissions.audit import Audit, Decision
from local.aws.permissions.calls import demands_of
from local.aws.permissions.demand import ApiCall, Context, Demand
from local.aws.permissions.reference import action as action_called
from local.aws.permissions.resource_policies import owner_of, policy_of
from local.aws.policies import Caller, decide, verdict

ALWAYS = {"aws:SecureTransport": "true"}
"""Plain HTTP on the loopback interface stands in for the HTTPS of AWS's endpoints, which boto3 uses by itself."""

NEVER_WITHOUT_ITS_OWN = ("kms:", "sts:AssumeRole")
"""A key's policy and a role's trust policy have to let even their own account's policies decide. Source: IAM guide,
"Policy evaluation for requests within a single account"."""

USED_FROM_ELSEWHERE = ("events", "kms", "lambda", "s3", "sns", "sqs", "sts")
"""The services whose calls name resources of other accounts; the others answer from the caller's own."""


class AccessDenied(Exception):  # noqa: N818 - AWS's own name for it
    """`demand` is what was refused, the text is AWS's message."""

    def __init__(self, demand: Demand, message: str) -> None:
        super().__init__(message)
        self.demand = demand


class UnknownCall(Exception):  # noqa: N818 - a gap of the embedded cloud, not of the program
    """Nobody has said what the call needs."""


@dataclass
class Authoriser:
    audit: Audit = field(default_factory=Audit)

    def is_asked(self, principal: Principal, service: str) -> bool:
        """Whether there is anything to decide: an administrator may do everything but use what others own."""
        return service in USED_FROM_ELSEWHERE or not may_do_everything(principal)

    def check_call(self, principal: Principal, call: ApiCall) -> None:
        """Raises: AccessDenied for the first thing that the principal may not do; UnknownCall."""
        administrator = may_do_everything(principal)
        try:
            demands = list(demands_of(call))
        except LookupError as error:
            if administrator:
                return
            raise UnknownCall(f"neither AWS nor local/aws/permissions/calls says what {call.name} needs") from error
        if administrator:
            demands = [demand for demand in demands if _is_elsewhere(principal, demand)]
        self.check(principal, demands, {"aws:RequestedRegion": call.region}, (call.service, call.operation))

    def check(
        self,
        principal: Principal,
        demands: Iterable[Demand],
        context: Mapping[str, str] | None = None,
        call: tuple[str, str] = ("", ""),
    ) -> None:
        """Raises: AccessDenied. `call`: botocore's names of service and operation, if it is one of theirs."""
        allowed = []
        for demand in _with_keys(demands, principal):
            circumstances = {
                **ALWAYS,
                **(context or {}),
                "aws:PrincipalArn": principal.iam_arn,
                "aws:PrincipalAccount": principal.account_id,
                **_in_request(demand),
            }
            why = _why_not(principal, demand, circumstances)
            self.audit.add(Decision(principal.iam_arn, demand.action, demand.resource, circumstances, not why, why))
            if why:
                message = (
                    f"User: {principal.arn} is not authorized to perform: {demand.action} "
                    f"on resource: {demand.resource} {why}"
                )
                raise AccessDenied(demand, message)
            allowed.append(demand)
        _require_tags(principal, allowed, *call)
        for demand in allowed:
            if demand.granted:
                demand.granted()


def _with_keys(demands: Iterable[Demand], principal: Principal) -> Iterator[Demand]:
    for demand in demands:
        yield demand
        yield from keys.demands(demand, principal.account_id)


def _in_request(demand: Demand) -> Context:
    """Only the keys that AWS lists for the action on that resource; any key of an action that AWS does not list."""
    try:
        wanted = action_called(demand.action)
    except LookupError:
        return demand.context
    return {key: value for key, value in demand.context.items() if wanted.has_in_request(key, demand.resource)}


def _why_not(principal: Principal, demand: Demand, circumstances: Context) -> str:
    """The end of AWS's message; empty when allowed."""
    action, resource = demand.action, demand.resource
    own = verdict(identity.statements_of(principal.iam_arn), action, circumstances, resource)
    limits = [*guardrails.of_resource(owner_of(resource)), *guardrails.of(principal)]
    if denied := next((why for each in limits if (why := each.denies(demand, circumstances))), ""):
        return denied
    if own == "explicit deny":
        return "with an explicit deny in an identity-based policy"
    policy = policy_of(resource) or {}
    its = decide(policy, principal.as_policy_caller(), action, circumstances, resource)
    if its == "explicit deny":
        return "with an explicit deny in a resource-based policy"
    elsewhere = _is_elsewhere(principal, demand)
    if not elsewhere and decide(policy, _by_name(principal), action, circumstances, resource) == "allow":
        return ""
    if lacking := next((why for each in limits if (why := each.lacks(demand, circumstances))), ""):
        return lacking
    if own != "allow":
        return f"because no identity-based policy allows the {action} action"
    if its != "allow" and (elsewhere or (policy and action.startswith(NEVER_WITHOUT_ITS_OWN))):
        return f"because no resource-based policy allows the {action} action"
    return ""


def _require_tags(principal: Principal, demands: Iterable[Demand], service: str, operation: str) -> None:
    """Raises: AccessDenied, with the service's own words for what a tag policy does not allow."""
    rules = tag_policies.of_account(principal.account_id)
    if not rules:
        return
    found = tag_policies.violated(rules, [(demand, _in_request(demand)) for demand in demands])
    if found is not None:
        demand, key = found
        refusal = tag_policies.refusal(demand, key, service or demand.action.split(":")[0], operation)
        raise AccessDenied(replace(demand, refusal=refusal), refusal[1])


def may_do_everything(principal: Principal) -> bool:
    """An administrator whom no policy of the organization's or of the role's limits."""
    is_administrator = identity.may_do_everything(principal.iam_arn)
    return is_administrator and not guardrails.of(principal) and not tag_policies.of_account(principal.account_id)


def _is_elsewhere(principal: Principal, demand: Demand) -> bool:
    """Whether it is another account's: then both have to allow it, the caller's policies and the resource's."""
    return owner_of(demand.resource) not in (None, principal.account_id)


def _by_name(principal: Principal) -> Caller:
    """Named itself: a policy that names the whole account leaves the decision to the account's identity policies."""
    return Caller(frozenset({principal.arn, principal.iam_arn}))
