"""Roles that services of AWS run under: a service gets one when its trust policy says so.

A trust policy sees of the service aws:SourceArn and aws:SourceAccount, of what the service acts for. Sources, all of
them on the confused deputy: Lambda developer guide, "Defining Lambda function permissions with an execution role" (the
function); Step Functions developer guide, "Creating an IAM role for your state machine" (the machine); EventBridge
user guide, "Cross-service confused deputy prevention" (the rule); EventBridge Scheduler user guide, "Confused deputy
prevention" (the schedule's group); EKS user guide, "Cross-service confused deputy prevention in Amazon EKS" (the
cluster).
"""

from local.aws import iam
from local.aws.policies import Caller

EKS = "eks.amazonaws.com"
EVENTS = "events.amazonaws.com"
LAMBDA = "lambda.amazonaws.com"
SCHEDULER = "scheduler.amazonaws.com"
STATES = "states.amazonaws.com"


def lets_in(role_arn: str, service: str, source_arn: str) -> bool:
    """Whether there is such a role, and it lets the service act for `source_arn`."""
    role = iam.find_role(role_arn)
    shown = {"aws:SourceArn": source_arn, "aws:SourceAccount": source_arn.split(":")[4]}
    return role is not None and iam.trusts(role, Caller(service=service), shown)
