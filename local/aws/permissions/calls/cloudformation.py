"""CloudFormation. Source: Service Authorization Reference, "AWS CloudFormation"."""

from collections.abc import Iterable, Iterator

from moto.cloudformation.models import cloudformation_backends

from local.aws.permissions.demand import ApiCall, Demand, Demands, plain, request_tags, resource_tags, tags_of


def create_stack(call: ApiCall) -> Iterator[Demand]:
    """What the stack's resources need is asked when they are made (patches/cloudformation_permissions.py)."""
    tags = tags_of(call.get("Tags"))
    stack = call.arn("cloudformation", f"stack/{call['StackName']}/*")
    yield Demand("cloudformation:CreateStack", stack, request_tags(tags))
    if tags:
        context = {**request_tags(tags), "cloudformation:CreateAction": call.operation}
        yield Demand("cloudformation:TagResource", stack, context)


def on_stack(action: str) -> Demands:
    def demands(call: ApiCall) -> Iterable[Demand]:
        name = str(call["StackName"])
        backend = cloudformation_backends[call.account_id][call.region]
        stack = next((each for each in backend.stacks.values() if name in (each.name, each.stack_id)), None)
        if stack is None:
            return [Demand(f"cloudformation:{action}", call.arn("cloudformation", f"stack/{name}/*"))]
        return [Demand(f"cloudformation:{action}", stack.stack_id, resource_tags(stack.tags or {}))]

    return demands


def describe_stacks(call: ApiCall) -> Iterable[Demand]:
    """Of one stack; without a name it is a list, which has an action of its own."""
    if call.get("StackName"):
        return on_stack("DescribeStacks")(call)
    return [Demand("cloudformation:DescribeStacks"), Demand("cloudformation:ListStacks")]


CALLS: dict[str, Demands] = {
    "cloudformation:CreateStack": create_stack,
    "cloudformation:DescribeStacks": describe_stacks,
    "cloudformation:ListStacks": plain("cloudformation:ListStacks"),
    **{
        f"cloudformation:{action}": on_stack(action)
        for action in ("DeleteStack", "DescribeStackEvents", "DescribeStackResources", "UpdateStack")
    },
}
