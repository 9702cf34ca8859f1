"""IAM Access Analyzer's ValidatePolicy, as far as the Service Authorization Reference can tell.

Source: IAM Access Analyzer API, ValidatePolicy; IAM guide, "Access Analyzer policy check reference" (the issue codes).
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import moto.iam.urls as iam_urls
from moto import backend_index
from moto.core.responses import ActionResult, BaseResponse

from local.aws.interfaces import Cloud
from local.aws.permissions import reference
from local.aws.policies import as_list, matches_any

HOST = ("iam", re.compile(r"https?://access-analyzer\.(.+)\.amazonaws\.com"))
GLOBAL = "aws:"
EFFECTS = ("Allow", "Deny")


def install(cloud: Cloud) -> None:
    """moto has no such service; its requests are routed to the one that it belongs to."""
    iam_urls.url_paths = {**iam_urls.url_paths, "{0}/policy/validation$": AccessAnalyzer.dispatch}
    if HOST not in backend_index.backend_url_patterns:
        backend_index.backend_url_patterns.append(HOST)


class AccessAnalyzer(BaseResponse):
    def __init__(self) -> None:
        super().__init__(service_name="accessanalyzer")

    def validate_policy(self) -> ActionResult:
        document, kind = self._get_param("policyDocument"), self._get_param("policyType")
        return ActionResult({"findings": [_finding(*problem) for problem in problems(document, kind)]})


def problems(text: str, kind: str) -> Iterator[tuple[str, str]]:
    """(issue code, details) of every error in the policy."""
    try:
        policy = json.loads(text)
    except ValueError as error:
        yield "JSON_SYNTAX_ERROR", f"Fix the JSON syntax error: {error}"
        return
    statements = as_list(policy.get("Statement", [])) if isinstance(policy, dict) else []
    if not statements:
        yield "MISSING_STATEMENT", "Add a statement to the policy."
    for statement in statements:
        yield from _statement(statement, kind)


def _statement(statement: Mapping[str, Any], kind: str) -> Iterator[tuple[str, str]]:
    if statement.get("Effect") not in EFFECTS:
        yield "INVALID_EFFECT", f"The effect {statement.get('Effect')} is not valid. Use Allow or Deny."
    if kind == "RESOURCE_POLICY" and not {"Principal", "NotPrincipal"} & statement.keys():
        yield "MISSING_PRINCIPAL", "Add a principal to the statement."
    if kind == "IDENTITY_POLICY" and not {"Resource", "NotResource"} & statement.keys():
        yield "MISSING_RESOURCE", "Add a resource to the statement."
    names = [*as_list(statement.get("Action", [])), *as_list(statement.get("NotAction", []))]
    for name in names:
        if not _exists(name):
            yield "INVALID_ACTION", f"The action {name} does not exist."
    for keys in statement.get("Condition", {}).values():
        for key in keys:
            if not _is_key(key):
                yield "INVALID_SERVICE_CONDITION_KEY", f"The condition key {key} does not exist in its service."


def _exists(name: str) -> bool:
    if name == "*":
        return True
    prefix, _, pattern = name.partition(":")
    if prefix.lower() not in reference.services():
        return False
    return any(matches_any([pattern], each, ignore_case=True) for each in reference.service(prefix.lower()).actions)


def _is_key(key: str) -> bool:
    """Of the global ones no list is published: whatever is named so may be one."""
    prefix = key.partition(":")[0].lower()
    if f"{prefix}:" == GLOBAL:
        return True
    return prefix in reference.services() and reference.service(prefix).condition_key(key) is not None


def _finding(code: str, details: str) -> dict[str, Any]:
    link = "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html"
    return {
        "findingType": "ERROR",
        "issueCode": code,
        "findingDetails": details,
        "learnMoreLink": link,
        "locations": [],
    }
