"""IAM's policy simulator, which decides as the authoriser does for real calls.

moto lacks: it. Not simulated here: policies of resources, permissions boundaries, an organization's policies.
Source: IAM API, SimulatePrincipalPolicy and SimulateCustomPolicy.
"""
# mypy: disable-error-code="attr-defined"

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.iam.responses import IamResponse

from local.aws.permissions import identity
from local.aws.permissions.authoriser import ALWAYS
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
        return _evaluated(self, list(identity.statements_of(arn)), own)

    def simulate_custom_policy(self: Any) -> ActionResult:
        texts = self._get_param("PolicyInputList", [])
        statements = [each for text in texts for each in as_list(json.loads(text)["Statement"])]
        return _evaluated(self, statements, {})

    IamResponse.simulate_principal_policy = simulate_principal_policy
    IamResponse.simulate_custom_policy = simulate_custom_policy


def _evaluated(response: Any, statements: Sequence[Mapping[str, Any]], own: Mapping[str, str]) -> ActionResult:
    context: dict[str, Any] = {**ALWAYS, **own}
    for entry in response._get_param("ContextEntries", []):
        values = entry["ContextKeyValues"]
        context[entry["ContextKeyName"]] = tuple(values) if entry["ContextKeyType"].endswith("List") else values[0]
    resources = response._get_param("ResourceArns") or ["*"]
    results = []
    for action in response._get_param("ActionNames"):
        decided = {resource: DECISIONS[verdict(statements, action, context, resource)] for resource in resources}
        specific = [
            {"EvalResourceName": resource, "EvalResourceDecision": decision} for resource, decision in decided.items()
        ]
        first = resources[0]
        results.append(
            {
                "EvalActionName": action,
                "EvalResourceName": first,
                "EvalDecision": decided[first],
                "MatchedStatements": [],
                "MissingContextValues": [],
                "ResourceSpecificResults": specific if len(resources) > 1 else [],
            }
        )
    return ActionResult({"EvaluationResults": results, "IsTruncated": False})
