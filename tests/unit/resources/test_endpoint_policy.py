"""What a VPC endpoint's policy lets through: yes, no, or perhaps where its document alone does not tell."""

import json
from typing import Any

import pytest

from provisioner.resources.endpoint_policy import permits

GET, LAYERS = "s3:GetObject", "arn:aws:s3:::prod-ap-northeast-1-starport-layer-bucket/*"
ALL: dict[str, Any] = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
DENY = {**ALL, "Effect": "Deny"}
ORGANIZATION = {"Condition": {"StringEquals": {"aws:ResourceOrgID": "o-1"}}}


@pytest.mark.parametrize(
    ("statements", "answer"),
    [
        ([ALL], "yes"),
        ([{**ALL, "Principal": {"AWS": "*"}}], "yes"),
        ([{**ALL, "Action": "S3:get*", "Resource": "arn:aws:s3:::prod-*-starport-layer-bucket/*"}], "yes"),
        ([{**ALL, "Action": ["s3:PutObject"]}], "no"),
        ([{**ALL, "Resource": ["arn:aws:s3:::the-teams-bucket/*"]}], "no"),
        ([{**ALL, "Resource": "arn:aws:s3:::the-teams-bucket/*"}, {**ALL, "Resource": LAYERS}], "yes"),
        ([{**ALL, "Principal": {"AWS": "arn:aws:iam::1:root"}}], "perhaps"),
        ([{**ALL, **ORGANIZATION}], "perhaps"),
        ([{**ALL, **ORGANIZATION}, {**ALL, "Resource": LAYERS}], "yes"),
        ([ALL, DENY], "no"),
        ([ALL, {**DENY, "Action": "s3:Put*"}], "yes"),
        ([ALL, {**DENY, **ORGANIZATION}], "perhaps"),
        ([{**DENY, **ORGANIZATION}], "no"),
        ([ALL, {"Effect": "Deny", "Principal": "*", "NotAction": "ecr:*", "Resource": "*"}], "no"),
        ([ALL, {"Effect": "Deny", "Principal": "*", "Action": "*", "NotResource": LAYERS}], "yes"),
        ([], "no"),
    ],
)
def test_a_policy_says_what_its_statements_say_together(statements: list[dict[str, Any]], answer: str) -> None:
    assert permits(json.dumps({"Version": "2012-10-17", "Statement": statements}), GET, LAYERS) == answer


def test_a_statement_need_not_be_in_a_list_and_no_document_is_the_default_one() -> None:
    assert permits(json.dumps({"Statement": ALL}), GET, LAYERS) == "yes"
    assert permits(None, GET, LAYERS) == "yes"


def test_of_a_resource_that_is_not_known_only_a_policy_for_all_of_them_tells() -> None:
    some = {**ALL, "Resource": "arn:aws:ecr:*:*:repository/team/*"}
    assert permits(json.dumps({"Statement": [ALL]}), "ecr:BatchGetImage", None) == "yes"
    assert permits(json.dumps({"Statement": [some]}), "ecr:BatchGetImage", None) == "perhaps"
    assert permits(json.dumps({"Statement": [{**ALL, "Action": "ecr:Describe*"}]}), "ecr:BatchGetImage", None) == "no"
