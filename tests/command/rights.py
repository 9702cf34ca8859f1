"""What docs/command.md lets an operator do, and what a day's calls needed."""

import json
import re

from local.cloud import ROOT

_PREFIXES = {"stepfunctions": "states"}
_ACTIONS = {"s3:ListObjectsV2": "s3:ListBucket"}
_BY_S3 = {"kms:Decrypt"}
"""What S3 does in the caller's name when it reads what the stack's key encrypts."""


def policy(account_id: str, region: str) -> str:
    """The page's, for a stack that is there."""
    page = (ROOT / "docs" / "command.md").read_text()
    (found,) = re.findall(r"```json\n(.*?)```", page, re.DOTALL)
    return str(found).replace("ACCOUNT", account_id).replace("REGION", region)


def allowed() -> set[str]:
    return {action for statement in json.loads(policy("", ""))["Statement"] for action in statement["Action"]}


def needed(calls: set[str]) -> set[str]:
    named = {f"{_PREFIXES.get(service, service)}:{name}" for service, name in (call.split(":") for call in calls)}
    return {_ACTIONS.get(name, name) for name in named} | _BY_S3
