"""From a SAM template on disk to something that runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from local.aws.deploy import CACHES, DeployError, deploy, zipped
from tests.local.aws.patches.conftest import Sandbox
from tools.templates import load_template

TEMPLATE = """
AWSTemplateFormatVersion: 2010-09-09
Transform: AWS::Serverless-2016-10-31
Parameters: {Greeting: {Type: String, Default: hello}}
Globals: {Function: {Runtime: python3.13, Timeout: 10}}
Resources:
  Layer:
    Type: AWS::Serverless::LayerVersion
    Properties: {LayerName: shared, ContentUri: layer, CompatibleRuntimes: [python3.13]}
  GreetFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: function
      Handler: app.handler
      Layers: [!Ref Layer]
      Environment: {Variables: {GREETING: !Ref Greeting}}
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties:
      Name: greet
      DefinitionUri: machine.asl.yaml
      DefinitionSubstitutions: {GreetFunctionArn: !GetAtt GreetFunction.Arn}
      Policies: [{LambdaInvokePolicy: {FunctionName: !Ref GreetFunction}}]
      Events:
        Asked: {Type: EventBridgeRule, Properties: {Pattern: {source: [someone]}}}
        Daily: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 day), Name: daily}}
  Account:
    Type: AWS::Serverless::Application
    Properties: {Location: nested.yaml, Parameters: {RoleName: from-parent}}
Outputs:
  MachineArn: {Value: !Ref Machine}
  RoleArn: {Value: !GetAtt Account.Outputs.RoleArn}
"""
NESTED = """
Parameters: {RoleName: {Type: String}}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Ref RoleName
      AssumeRolePolicyDocument: {Version: 2012-10-17, Statement: []}
      Policies: [{PolicyName: p, PolicyDocument: {Version: 2012-10-17, Statement: []}}]
Outputs: {RoleArn: {Value: !GetAtt Role.Arn}}
"""
MACHINE = """
QueryLanguage: JSONata
StartAt: Greet
States:
  Greet:
    Type: Task
    Resource: arn:aws:states:::lambda:invoke
    Arguments: {FunctionName: "${GreetFunctionArn}", Payload: "{% $states.input %}"}
    Output: "{% $states.result.Payload %}"
    End: true
"""
OTHERS = """
Resources:
  Key: {Type: AWS::KMS::Key, Properties: {KeyPolicy: {Version: 2012-10-17, Statement: []}}}
  KeyAlias: {Type: AWS::KMS::Alias, Properties: {AliasName: alias/one, TargetKeyId: !Ref Key}}
  Bus: {Type: AWS::Events::EventBus, Properties: {Name: bus}}
  Queue: {Type: AWS::SQS::Queue}
  QueuePolicy:
    Type: AWS::SQS::QueuePolicy
    Properties:
      Queues: [!Ref Queue]
      PolicyDocument:
        Version: 2012-10-17
        Statement:
          - {Effect: Allow, Principal: {Service: events.amazonaws.com}, Action: "sqs:SendMessage", Resource: "*"}
  Rule:
    Type: AWS::Events::Rule
    Properties:
      EventBusName: !Ref Bus
      EventPattern: {source: [someone]}
      Targets: [{Id: queue, Arn: !GetAtt Queue.Arn}]
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
  Parameter: {Type: AWS::SSM::Parameter, Properties: {Name: /one, Type: String, Value: "{}"}}
  Logs: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: /one, RetentionInDays: 14}}
  Topic: {Type: AWS::SNS::Topic}
  Subscription:
    Type: AWS::SNS::Subscription
    Properties: {TopicArn: !Ref Topic, Protocol: sqs, Endpoint: !GetAtt Queue.Arn}
  Bucket: {Type: AWS::S3::Bucket}
  BucketPolicy:
    Type: AWS::S3::BucketPolicy
    Properties: {Bucket: !Ref Bucket, PolicyDocument: {Version: 2012-10-17, Statement: []}}
  Schedule:
    Type: AWS::Scheduler::Schedule
    Properties:
      Name: hourly
      ScheduleExpression: rate(1 hour)
      FlexibleTimeWindow: {Mode: "OFF"}
      Target: {Arn: !GetAtt Queue.Arn, RoleArn: "arn:aws:iam::123456789012:role/runner"}
  Alarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmName: failed
      Namespace: AWS/States
      MetricName: ExecutionsFailed
      Statistic: Sum
      Period: 300
      EvaluationPeriods: 1
      Threshold: 1
      ComparisonOperator: GreaterThanOrEqualToThreshold
  Dashboard: {Type: AWS::CloudWatch::Dashboard, Properties: {DashboardName: one, DashboardBody: "{}"}}
Outputs:
  Bus: {Value: !Ref Bus}
  AlarmArn: {Value: !GetAtt Alarm.Arn}
  Subscription: {Value: !Ref Subscription}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("layer/shared", "function"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "layer/shared/__init__.py").write_text("MARK = '!'\n")
    (tmp_path / "function/app.py").write_text(
        "import os, shared\ndef handler(event, context):\n"
        "    return f\"{os.environ['GREETING']} {event['name']}{shared.MARK}\"\n"
    )
    (tmp_path / "machine.asl.yaml").write_text(MACHINE)
    (tmp_path / "nested.yaml").write_text(NESTED)
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    return tmp_path / "template.yaml"


def test_a_sam_template_with_layer_machine_and_nested_stack_runs_and_is_updated(aws: Sandbox, project: Path) -> None:
    outputs = deploy(aws.server, project, "greeting")
    assert outputs["RoleArn"] == "arn:aws:iam::123456789012:role/from-parent"

    def greeting() -> str:
        return str(json.loads(aws.finished(aws.start(outputs["MachineArn"], {"name": "you"}))["output"]))

    assert greeting() == "hello you!"
    assert deploy(aws.server, project, "greeting") == outputs
    deploy(aws.server, project, "greeting", {"Greeting": "good day"})
    assert greeting() == "good day you!"


def test_every_resource_type_that_our_templates_may_use_is_made(aws: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "others.yaml").write_text(OTHERS)
    outputs = deploy(aws.server, tmp_path / "others.yaml", "others")
    assert outputs["Bus"] == "bus"
    assert outputs["AlarmArn"] == "arn:aws:cloudwatch:ap-northeast-1:123456789012:alarm:failed"
    assert outputs["Subscription"].startswith("arn:aws:sns:")
    assert aws.server.client("cloudwatch").describe_alarms()["MetricAlarms"][0]["AlarmName"] == "failed"
    assert aws.server.client("scheduler").get_schedule(Name="hourly")["State"] == "ENABLED"
    client = aws.server.client("events")
    client.put_events(Entries=[{"Source": "someone", "DetailType": "d", "Detail": "{}", "EventBusName": "bus"}])
    assert aws.server.delivered_events[-1].payload["source"] == "someone"


def test_a_failing_deployment_names_the_resource_and_the_reason(aws: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(
        "Resources:\n  Net: {Type: AWS::EC2::Subnet, Properties: {VpcId: vpc-none, CidrBlock: 10.0.0.0/24}}\n"
    )
    with pytest.raises(DeployError, match=r"ROLLBACK_COMPLETE: Net \(AWS::EC2::Subnet\): .*vpc-none"):
        deploy(aws.server, tmp_path / "bad.yaml", "bad")


def test_a_definition_with_an_unknown_substitution_is_refused(aws: Sandbox, project: Path) -> None:
    (project.parent / "machine.asl.yaml").write_text(MACHINE.replace("GreetFunctionArn", "NobodysFunctionArn"))
    with pytest.raises(DeployError, match="NobodysFunctionArn"):
        deploy(aws.server, project, "unsubstituted")


def test_dates_in_templates_stay_text(project: Path) -> None:
    assert load_template(project)["AWSTemplateFormatVersion"] == "2010-09-09"


def test_the_same_folder_gives_the_same_bytes_with_byte_code_or_without(project: Path) -> None:
    folder = project.parent / "function"
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__/app.pyc").write_bytes(b"x")
    assert zipped(folder) == zipped(folder)
    assert b"pycache" in zipped(folder)
    assert b"pycache" not in zipped(folder, without=CACHES)
