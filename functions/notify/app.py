"""Tells people what an event of the machines means: EventBridge sends it here, and SNS carries the words on."""

import os
from typing import Any

import boto3
from aws_lambda_powertools.utilities.typing import LambdaContext

from provisioner.aws.session import CLIENT_CONFIG
from provisioner.handler import function_handler, logger
from provisioner.notification.message import message_about


@function_handler
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    logger().append_keys(execution_arn=event["detail"].get("execution_arn"), event_id=event["id"])
    sns = boto3.client("sns", config=CLIENT_CONFIG)
    told = sns.publish(TopicArn=os.environ["TOPIC_ARN"], **message_about(event))
    return {"message_id": told["MessageId"]}
