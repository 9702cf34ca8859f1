"""Decides what a principal may do, and remembers it.

Source: IAM guide, "Policy evaluation logic" (within one account) and "Troubleshoot access denied error messages".
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from local.aws.iam import Principal
from local.aws.permissions import identity
from local.aws.permissions.audit import Audit, Decision
from local.aws.permissions.calls import CALLS
from local.aws.permissions.demand import ApiCall, Context, Demand
from local.aws.permissions.resource_policies import policy_of
from local.aws.policies import Caller, decide, verdict

ALWAYS = {"aws:SecureTransport": "true"}
"""Plain HTTP on the loopback interface stands in for the HTTPS of AWS's endpoints, which boto3 uses by itself."""


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

    def check_call(self, principal: Principal, call: ApiCall) -> None:
        """Raises: AccessDenied for the first thing that the principal may not do; UnknownCall."""
        if identity.may_do_everything(principal.iam_arn):
            return
        if call.name not in CALLS:
            raise UnknownCall(f"local/aws/permissions/calls does not say what {call.name} needs")
        self.check(principal, CALLS[call.name](call), {"aws:RequestedRegion": call.region})

    def check(self, principal: Principal, demands: Iterable[Demand], context: Mapping[str, str] | None = None) -> None:
        """Raises: AccessDenied."""
        allowed = []
        for demand in demands:
            circumstances = {
                **ALWAYS,
                **(context or {}),
                "aws:PrincipalArn": principal.iam_arn,
                "aws:PrincipalAccount": principal.account_id,
                **demand.context,
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
        for demand in allowed:
            if demand.granted:
                demand.granted()


def _why_not(principal: Principal, demand: Demand, circumstances: Context) -> str:
    """The end of AWS's message; empty when allowed."""
    own = verdict(identity.statements_of(principal.iam_arn), demand.action, circumstances, demand.resource)
    if own == "explicit deny":
        return "with an explicit deny in an identity-based policy"
    policy = policy_of(demand.resource)
    its = decide(policy, _by_name(principal), demand.action, circumstances, demand.resource) if policy else None
    if its == "explicit deny":
        return "with an explicit deny in a resource-based policy"
    if its == "allow":
        return ""
    if policy and demand.action.startswith("kms:"):
        # Unlike others, a key's policy has to let the account's own policies decide.
        delegated = decide(policy, principal.as_policy_caller(), demand.action, circumstances, demand.resource)
        if delegated != "allow":
            return f"because no resource-based policy allows the {demand.action} action"
    return "" if own == "allow" else f"because no identity-based policy allows the {demand.action} action"


def _by_name(principal: Principal) -> Caller:
    """Named itself: a policy that names the whole account leaves the decision to the account's identity policies."""
    return Caller(frozenset({principal.arn, principal.iam_arn}))
