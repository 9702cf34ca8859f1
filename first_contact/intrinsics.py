"""What a template says before it is deployed: references become made-up names and ARNs of the right form.

Source: CloudFormation user guide, "Intrinsic function reference"; the Service Authorization Reference (forms of ARNs).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from first_contact.root import ROOT
from tools.templates import load_template

ARNS = {
    "AWS::CloudFormation::Stack": "cloudformation:{region}:{account}:stack/{name}/00000000-0000-0000-0000-000000000000",
    "AWS::DynamoDB::Table": "dynamodb:{region}:{account}:table/{name}",
    "AWS::Events::EventBus": "events:{region}:{account}:event-bus/{name}",
    "AWS::Events::Rule": "events:{region}:{account}:rule/{name}",
    "AWS::IAM::ManagedPolicy": "iam::{account}:policy/{name}",
    "AWS::IAM::Role": "iam::{account}:role/{name}",
    "AWS::KMS::Key": "kms:{region}:{account}:key/00000000-0000-0000-0000-000000000000",
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{name}",
    "AWS::S3::Bucket": "s3:::{name}",
    "AWS::SNS::Topic": "sns:{region}:{account}:{name}",
    "AWS::SQS::Queue": "sqs:{region}:{account}:{name}",
    "AWS::Scheduler::ScheduleGroup": "scheduler:{region}:{account}:schedule-group/{name}",
    "AWS::Serverless::Function": "lambda:{region}:{account}:function:{name}",
    "AWS::Serverless::LayerVersion": "lambda:{region}:{account}:layer:{name}:1",
    "AWS::Serverless::StateMachine": "states:{region}:{account}:stateMachine:{name}",
}
REFERRED_TO_BY_ARN = ("AWS::IAM::ManagedPolicy", "AWS::SNS::Topic", "AWS::Serverless::StateMachine")
NOTHING = object()


@dataclass(frozen=True)
class Surroundings:
    """Where a template would be deployed, and as what."""

    partition: str
    region: str
    account_id: str
    stack: str

    def pseudo_parameters(self) -> dict[str, Any]:
        return {
            "AWS::Partition": self.partition,
            "AWS::Region": self.region,
            "AWS::AccountId": self.account_id,
            "AWS::StackName": self.stack,
            "AWS::StackId": f"arn:{self.partition}:cloudformation:{self.region}:{self.account_id}:stack/{self.stack}/0",
            "AWS::URLSuffix": "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com",
            "AWS::NoValue": NOTHING,
        }


class Template:
    """A template whose parameters have those values, or else their defaults."""

    def __init__(
        self, template: Mapping[str, Any], around: Surroundings, parameters: Mapping[str, str] | None = None
    ) -> None:
        self.resources: Mapping[str, Any] = template["Resources"]
        self._conditions: Mapping[str, Any] = template.get("Conditions", {})
        self._mappings: Mapping[str, Any] = template.get("Mappings", {})
        self._around = around
        defaults = {name: _default(name, each) for name, each in template.get("Parameters", {}).items()}
        self._values = {**defaults, **(parameters or {}), **around.pseudo_parameters()}

    def exists(self, resource: str) -> bool:
        condition = self.resources[resource].get("Condition")
        return condition is None or bool(self._condition(condition))

    def resolved(self, node: Any) -> Any:
        """The node without intrinsic functions."""
        if isinstance(node, list):
            items = (self.resolved(item) for item in node)
            return [item for item in items if item is not NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((name, argument),) = node.items()
            if name == "Ref" or name.startswith("Fn::"):
                return self._function(name, argument)
        values = {key: self.resolved(value) for key, value in node.items()}
        return {key: value for key, value in values.items() if value is not NOTHING}

    def _function(self, name: str, argument: Any) -> Any:
        match name:
            case "Ref":
                return self._reference(argument)
            case "Fn::GetAtt":
                return self._attribute(*argument)
            case "Fn::Sub":
                return re.sub(r"\$\{([^}!]+)\}", lambda found: str(self._named(found[1])), str(argument))
            case "Fn::If":
                condition, yes, no = argument
                return self.resolved(yes if self._condition(condition) else no)
            case "Fn::Join":
                separator, parts = argument
                return separator.join(str(part) for part in self._list(parts))
            case "Fn::FindInMap":
                table, first, second = (self.resolved(each) for each in argument)
                return self._mappings[table][first][second]
            case "Fn::Equals":
                first, second = (self.resolved(each) for each in argument)
                return first == second
            case "Fn::Not":
                return not self._truth(argument[0])
            case "Fn::And":
                return all(self._truth(each) for each in argument)
            case "Fn::Or":
                return any(self._truth(each) for each in argument)
        raise NotImplementedError(f"the intrinsic function {name}")

    def _condition(self, name: str) -> bool:
        return self._truth(self._conditions[name])

    def _truth(self, node: Any) -> bool:
        if isinstance(node, dict) and node.keys() == {"Condition"}:
            return self._condition(node["Condition"])
        return bool(self.resolved(node))

    def _list(self, node: Any) -> list[Any]:
        found = self.resolved(node)
        return found if isinstance(found, list) else [part for part in str(found).split(",") if part]

    def _named(self, name: str) -> Any:
        resource, _, attribute = name.partition(".")
        return self._attribute(resource, attribute) if attribute else self._reference(name)

    def _reference(self, name: str) -> Any:
        if name in self._values:
            return self._values[name]
        kind = self.resources[name]["Type"]
        if kind in REFERRED_TO_BY_ARN:
            return self._arn(name)
        properties = self.resources[name].get("Properties", {})
        own = next((properties[each] for each in ("Name", "RoleName", "LogGroupName") if each in properties), None)
        return self.resolved(own) if own is not None else f"{self._around.stack}-{name}".lower()

    def _attribute(self, resource: str, attribute: str) -> Any:
        if attribute.startswith("Outputs."):
            nested = load_template(ROOT / self.resources[resource]["Properties"]["Location"])
            output = nested["Outputs"][attribute.removeprefix("Outputs.")]["Value"]
            return Template(nested, self._around).resolved(output)
        return self._arn(resource) if attribute == "Arn" else f"{resource}-{attribute}".lower().replace(".", "-")

    def _arn(self, resource: str) -> str:
        around, made = self._around, self.resources[resource]
        kind, properties = made["Type"], made.get("Properties", {})
        own = next((properties[each] for each in ("Name", "RoleName", "LogGroupName") if each in properties), None)
        name = self.resolved(own) if own is not None else f"{around.stack}-{resource}"
        form = ARNS[kind].format(region=around.region, account=around.account_id, name=name)
        return f"arn:{around.partition}:{form.lower() if kind == 'AWS::S3::Bucket' else form}"


def _default(name: str, parameter: Mapping[str, Any]) -> Any:
    given = parameter.get("Default", f"the-{name.lower()}")
    return given.split(",") if parameter["Type"] == "CommaDelimitedList" else given
