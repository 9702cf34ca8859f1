"""State "Find new accounts": the enrolled accounts that have no cluster yet, whose event may never have come, and those
that are no longer what they were when they got theirs."""

import os
from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import CLIENT_CONFIG
from provisioner.defaults import reader_of
from provisioner.fleet.changed_accounts import OrganizationNow, find_changed_accounts
from provisioner.fleet.new_accounts import Enrolled, find_new_accounts
from provisioner.fleet.request import enrolled_units, listed
from provisioner.handler import function_handler


@function_handler
def lambda_handler(_event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    organizations = boto3.client("organizations", config=CLIENT_CONFIG)
    dynamodb, table = boto3.client("dynamodb", config=CLIENT_CONFIG), os.environ["CLAIMS_TABLE"]
    enrolled, left_out = Enrolled.at_or_below(enrolled_units(os.environ), organizations), listed(os.environ["LEFT_OUT"])
    now = OrganizationNow(
        organizations,
        enrolled,
        left_out,
        os.environ["STACK_DEFAULTS"],
        os.environ["DEFAULTS_PARAMETER"],
        reader_of(boto3.client("ssm", config=CLIENT_CONFIG)),
    )
    new = find_new_accounts(organizations, enrolled, dynamodb, table, left_out)
    return {**new, **find_changed_accounts(now, dynamodb, table)}
