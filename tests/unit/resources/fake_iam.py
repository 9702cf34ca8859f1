"""IAM in memory, for its reads: roles and users, as old as a test makes them, and what its simulator says.

It answers a real boto3 client.
"""

import json
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from botocore.awsrequest import AWSResponse

from provisioner.resources.service_roles import NEEDED
from tests.unit.resources.aws_calls import client, http, refusal
from tests.unit.resources.samples import (
    ACCOUNT_ID,
    CLUSTER_ROLE_ARN,
    INSPECTOR_ROLE_ARN,
    NOW,
    PODS_ROLE_ARN,
    PROVISIONER_ROLE_ARN,
    REMOVER_ROLE_ARN,
)

PERSON_ARN = f"arn:aws:iam::{ACCOUNT_ID}:role/platform"
LONG_AGO = NOW - timedelta(days=30)
SERVICE_ROLE_ARNS = [role.arn("aws", ACCOUNT_ID) for role in NEEDED]


class FakeIam:
    """The project's roles, the services' own and a person's are there, and have been for long."""

    def __init__(self) -> None:
        self.made: dict[str, datetime] = dict.fromkeys(
            (
                CLUSTER_ROLE_ARN,
                INSPECTOR_ROLE_ARN,
                PERSON_ARN,
                PODS_ROLE_ARN,
                PROVISIONER_ROLE_ARN,
                REMOVER_ROLE_ARN,
                *SERVICE_ROLE_ARNS,
            ),
            LONG_AGO,
        )
        """By ARN, when it was made."""
        self.simulated: dict[str, Any] = {"EvalDecision": "allowed"}
        self.trusted = {CLUSTER_ROLE_ARN: "eks.amazonaws.com", PODS_ROLE_ARN: "eks-fargate-pods.amazonaws.com"}
        """By ARN, the service that may assume it."""
        self.attached = {CLUSTER_ROLE_ARN: ["arn:aws:iam::aws:policy/AmazonEKSClusterPolicy"]}
        self.client = client("iam")
        self._names: list[str] = []
        self.client.meta.events.register("provide-client-params.iam.*", self._note)
        self.client.meta.events.register("before-call.iam.*", self._answer)

    def _note(self, params: dict[str, Any], **_: Any) -> None:
        self._names = list(params.values())
        if "ActionNames" in params:
            (action,), (resource,) = params["ActionNames"], params["ResourceArns"]
            self.simulated |= {"EvalActionName": action, "EvalResourceName": resource}

    def _answer(self, model: Any, **_: Any) -> tuple[AWSResponse, dict[str, Any]]:
        if model.name == "SimulatePrincipalPolicy":
            return http(200), {"EvaluationResults": [self.simulated], "ResponseMetadata": {"HTTPStatusCode": 200}}
        kind = {"GetRole": "Role", "GetUser": "User", "ListAttachedRolePolicies": "Role"}[model.name]
        arns = [arn for arn in self.made if f":{kind.lower()}/" in arn and arn.rsplit("/", 1)[-1] == self._names[0]]
        if not arns:
            return refusal("NoSuchEntity", model)
        if model.name == "ListAttachedRolePolicies":
            attached = [{"PolicyArn": policy} for policy in self.attached.get(arns[0], [])]
            return http(200), {"AttachedPolicies": attached, "ResponseMetadata": {"HTTPStatusCode": 200}}
        described: dict[str, Any] = {"Arn": arns[0], "CreateDate": self.made[arns[0]]}
        if kind == "Role":
            principal = {"Service": self.trusted.get(arns[0], "nobody.amazonaws.com")}
            statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
            described["AssumeRolePolicyDocument"] = quote(json.dumps({"Statement": [statement]}))
        return http(200), {kind: described, "ResponseMetadata": {"HTTPStatusCode": 200}}
