"""The services that the application itself is made of.

Source: Service Authorization Reference: "AWS Step Functions", "AWS Lambda", "Amazon DynamoDB", "Amazon EventBridge",
"AWS Systems Manager", "AWS Organizations", "AWS Security Token Service", "Amazon SNS", "Amazon SQS", "CloudWatch".
"""

from collections.abc import Iterable, Iterator

from moto.organizations.models import organizations_backends

from local.aws.permissions.demand import ApiCall, Context, Demand, Demands, plain


def on_arn(action: str, parameter: str) -> Demands:
    """The parameter is the resource's ARN."""
    return lambda call: [Demand(action, str(call[parameter]))]


def on_table(action: str) -> Demands:
    def demands(call: ApiCall) -> Iterable[Demand]:
        name = str(call["TableName"])
        arn = name if name.startswith("arn:") else call.arn("dynamodb", f"table/{name}")
        return [Demand(action, f"{arn}/index/{call['IndexName']}" if call.get("IndexName") else arn)]

    return demands


def invoke(call: ApiCall) -> Iterable[Demand]:
    name = str(call["FunctionName"])
    return [Demand("lambda:InvokeFunction", name if ":" in name else call.arn("lambda", f"function:{name}"))]


def put_events(call: ApiCall) -> Iterator[Demand]:
    for entry in call["Entries"]:
        bus = entry.get("EventBusName") or "default"
        arn = bus if bus.startswith("arn:") else call.arn("events", f"event-bus/{bus}")
        context: Context = {
            "events:source": (str(entry.get("Source", "")),),
            "events:detail-type": (str(entry.get("DetailType", "")),),
            "events:eventBusInvocation": "false",
        }
        yield Demand("events:PutEvents", arn, context)


def get_parameter(call: ApiCall) -> Iterable[Demand]:
    return [Demand("ssm:GetParameter", call.arn("ssm", f"parameter/{str(call['Name']).lstrip('/')}"))]


def assume_role(call: ApiCall) -> Iterable[Demand]:
    """The caller's half; the other is the role's trust policy (local/aws/iam.py)."""
    context = {"sts:RoleSessionName": call["RoleSessionName"]}
    if call.get("ExternalId"):
        context["sts:ExternalId"] = call["ExternalId"]
    return [Demand("sts:AssumeRole", call["RoleArn"], context)]


def send_message(call: ApiCall) -> Iterable[Demand]:
    account_id, name = str(call["QueueUrl"]).rsplit("/", 2)[1:]
    return [Demand("sqs:SendMessage", f"arn:{call.partition}:sqs:{call.region}:{account_id}:{name}")]


def on_parent(action: str) -> Demands:
    """On a root or organizational unit, which belongs to the organization's management account."""

    def demands(call: ApiCall) -> Iterable[Demand]:
        parent, backend = str(call["ParentId"]), organizations_backends[call.account_id][call.partition]
        organization = backend.org
        owner, name = (organization.master_account_id, organization.id) if organization else (call.account_id, "o-none")
        kind = "root" if parent.startswith("r-") else "ou"
        return [Demand(action, f"arn:{call.partition}:organizations::{owner}:{kind}/{name}/{parent}")]

    return demands


def list_parents(call: ApiCall) -> Iterable[Demand]:
    """On the account, which belongs to the organization's management account."""
    organization = organizations_backends[call.account_id][call.partition].org
    owner, name = (organization.master_account_id, organization.id) if organization else (call.account_id, "o-none")
    resource = f"arn:{call.partition}:organizations::{owner}:account/{name}/{call['ChildId']}"
    return [Demand("organizations:ListParents", resource)]


def get_parameters_by_path(call: ApiCall) -> Iterable[Demand]:
    return [Demand("ssm:GetParametersByPath", call.arn("ssm", f"parameter/{str(call['Path']).strip('/')}"))]


def put_metric_data(call: ApiCall) -> Iterable[Demand]:
    return [Demand("cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": call["Namespace"]})]


CALLS: dict[str, Demands] = {
    **{
        f"dynamodb:{action}": on_table(f"dynamodb:{action}")
        for action in ("DeleteItem", "GetItem", "PutItem", "Query", "Scan", "UpdateItem")
    },
    "stepfunctions:DescribeExecution": on_arn("states:DescribeExecution", "executionArn"),
    "stepfunctions:GetExecutionHistory": on_arn("states:GetExecutionHistory", "executionArn"),
    "stepfunctions:StopExecution": on_arn("states:StopExecution", "executionArn"),
    "stepfunctions:StartExecution": on_arn("states:StartExecution", "stateMachineArn"),
    "stepfunctions:ListExecutions": on_arn("states:ListExecutions", "stateMachineArn"),
    "lambda:Invoke": invoke,
    "events:PutEvents": put_events,
    "ssm:GetParameter": get_parameter,
    "ssm:GetParametersByPath": get_parameters_by_path,
    "sts:AssumeRole": assume_role,
    "sts:GetCallerIdentity": lambda _call: (),
    "sns:Publish": on_arn("sns:Publish", "TopicArn"),
    "sqs:SendMessage": send_message,
    "cloudwatch:PutMetricData": put_metric_data,
    "organizations:ListParents": list_parents,
    "organizations:ListAccounts": plain("organizations:ListAccounts"),
    "organizations:ListAccountsForParent": on_parent("organizations:ListAccountsForParent"),
    "organizations:ListOrganizationalUnitsForParent": on_parent("organizations:ListOrganizationalUnitsForParent"),
}
"""sts:GetCallerIdentity needs no permission and cannot be denied (STS API reference)."""
