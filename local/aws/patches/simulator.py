"""IAM's policy simulator, which decides as the authoriser does for real calls.

moto lacks: it. Of a principal its boundary and its organization's policies count too, but for those with conditions,
which IAM does not simulate. Not simulated here: policies of resources.
Source: IAM API, SimulatePrincipalPolicy and SimulateCustomPolicy, EvaluationResult; IAM guide, "IAM policy testing with
the IAM policy simulator".
"""
# mypy: disable-error-code="attr-defined"

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.iam.responses import IamResponse

from local.aws import iam
from local.aws.permissions import guardrails, identity
from local.aws.permissions.authoriser import ALWAYS
from local.aws.permissions.demand import Demand
from local.aws.permissions.guardrails import Guardrail
from local.aws.policies import as_list, verdict
from local.aws.refusals import refusal

if TYPE_CHECKING:
    from local.aws.server import AwsServer

DECISIONS = {"allow": "allowed", "explicit deny": "explicitDeny", "implicit deny": "implicitDeny"}


def install(server: AwsServer) -> None:
    def simulate_principal_policy(self: Any) -> ActionResult:
        arn = self._get_param("PolicySourceArn")
        if identity.find(arn) is None:
            raise refusal("NoSuchEntity", f"The principal {arn} cannot be found.")
        own = {"aws:PrincipalArn": arn, "aws:PrincipalAccount": arn.split(":")[4]}
        principal = iam.Principal(arn=arn, iam_arn=arn, account_id=arn.split(":")[4])
        return _evaluated(self, list(identity.statements_of(arn)), own, guardrails.of(principal))

    def simulate_custom_policy(self: Any) -> ActionResult:
        texts = self._get_param("PolicyInputList", [])
        statements = [each for text in texts for each in as_list(json.loads(text)["Statement"])]
        return _evaluated(self, statements, {})

    IamResponse.simulate_principal_policy = simulate_principal_policy
    IamResponse.simulate_custom_policy = simulate_custom_policy


DETAILS = {
    "service control policy": ("OrganizationsDecisionDetail", "AllowedByOrganizations"),
    "permissions boundary": ("PermissionsBoundaryDecisionDetail", "AllowedByPermissionsBoundary"),
}


def _evaluated(
    response: Any,
    statements: Sequence[Mapping[str, Any]],
    own: Mapping[str, str],
    limits: Sequence[Guardrail] = (),
) -> ActionResult:
    context: dict[str, Any] = {**ALWAYS, **own}
    for entry in response._get_param("ContextEntries", []):
        values = entry["ContextKeyValues"]
        context[entry["ContextKeyName"]] = tuple(values) if entry["ContextKeyType"].endswith("List") else values[0]
    resources = response._get_param("ResourceArns") or ["*"]
    results = []
    for action in response._get_param("ActionNames"):
        decided = {resource: DECISIONS[verdict(statements, action, context, resource)] for resource in resources}
        details: dict[str, Any] = {}
        for resource, limit in product(resources, limits):
            denied, lacking = _limited(limit, Demand(action, resource), context)
            if denied or lacking:
                decided[resource] = "explicitDeny" if denied or decided[resource] == "explicitDeny" else "implicitDeny"
            if resource == resources[0] and limit.said in DETAILS:
                name, allowed = DETAILS[limit.said]
                before = details.get(name, {allowed: True})[allowed]
                details[name] = {allowed: before and not denied and not lacking}
        specific = [
            {"EvalResourceName": resource, "EvalResourceDecision": decision} for resource, decision in decided.items()
        ]
        first = resources[0]
        results.append(
            {
                "EvalActionName": action,
                "EvalResourceName": first,
                "EvalDecision": decided[first],
                **details,
                "MatchedStatements": [],
                "MissingContextValues": [],
                "ResourceSpecificResults": specific if len(resources) > 1 else [],
            }
        )
    return ActionResult({"EvaluationResults": results, "IsTruncated": False})


def _limited(limit: Guardrail, demand: Demand, context: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether it denies, and whether it does not allow."""
    if limit.said == "service control policy":
        seen = [(arn, tuple(each for each in of if "Condition" not in each)) for arn, of in limit.policies]
        limit = Guardrail(limit.said, tuple(seen))
    return bool(limit.denies(demand, context)), bool(limit.lacks(demand, context))
