"""Handing roles to services, and the roles that services make for themselves, both as the caller.

Source: IAM guide, "Grant permissions to pass a role to an AWS service" and "Create a service-linked role".
"""

import json
from collections.abc import Iterator

from moto.iam.models import iam_backends

from local.aws import iam
from local.aws.permissions.demand import ApiCall, Demand


def pass_role(role_arn: str, service: str) -> Demand:
    return Demand("iam:PassRole", role_arn, {"iam:PassedToService": service})


def linked_role_arn(call: ApiCall, service: str, name: str) -> str:
    return f"arn:{call.partition}:iam::{call.account_id}:role/aws-service-role/{service}/{name}"


def service_linked_role(call: ApiCall, service: str, name: str) -> Iterator[Demand]:
    """Nothing when the account has it already; else the first call that needs it makes it."""
    arn = linked_role_arn(call, service, name)

    def make() -> None:
        backend = iam_backends[call.account_id][call.partition]
        statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        backend.create_role(name, trust, f"/aws-service-role/{service}/", "", "", [], "3600", linked_service=service)

    if iam.find_role(arn) is None:
        yield Demand("iam:CreateServiceLinkedRole", arn, {"iam:AWSServiceName": service}, granted=make)
