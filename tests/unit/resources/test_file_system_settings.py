from copy import deepcopy
from typing import Any

import pytest

from provisioner.resources.file_system_settings import meaning, policy

ARN = "arn:aws:elasticfilesystem:ap-northeast-1:123456789012:file-system/fs-1"


def test_a_policy_means_the_same_in_any_order_spelling_and_with_any_sid() -> None:
    other = deepcopy(policy(ARN))
    allow, deny = other["Statement"]
    allow["Sid"] = "efs-statement-1"
    allow["Action"] = list(reversed(allow["Action"]))
    allow["Condition"] = {"Bool": {"elasticfilesystem:accessedviamounttarget": True}}
    deny["Action"], deny["Principal"], deny["Resource"] = ["*"], "*", [ARN]
    other["Statement"] = [deny, allow]
    other["Id"] = "efs-policy-wizard-1"
    assert meaning(other) == meaning(policy(ARN))


@pytest.mark.parametrize(
    ("statement", "key", "value"),
    [
        (0, "Action", ["elasticfilesystem:ClientMount"]),
        (0, "Effect", "Deny"),
        (0, "Condition", {}),
        (1, "Principal", {"AWS": "arn:aws:iam::123456789012:root"}),
        (1, "Resource", "*"),
        (1, "Condition", {"Bool": {"aws:SecureTransport": "true"}}),
    ],
)
def test_a_policy_that_says_something_else_means_something_else(statement: int, key: str, value: Any) -> None:
    other = deepcopy(policy(ARN))
    other["Statement"][statement][key] = value
    assert meaning(other) != meaning(policy(ARN))


def test_a_single_statement_needs_no_list() -> None:
    (first, _) = policy(ARN)["Statement"]
    assert meaning({"Statement": first}) == meaning({"Statement": [first]})
