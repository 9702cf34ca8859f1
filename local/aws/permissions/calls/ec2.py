"""EC2. Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon EC2".

A call on several resources needs its action on each of them; what it is about to create is `kind/*`.
"""

from collections.abc import Iterator, Mapping

from moto.ec2.models import ec2_backends

from local.aws.permissions.demand import ApiCall, Context, Demand, Demands, plain, request_tags, resource_tags, tags_of

LOOKS = (
    "DescribeAddresses",
    "DescribeAvailabilityZones",
    "DescribeInternetGateways",
    "DescribeNatGateways",
    "DescribeNetworkAcls",
    "DescribeNetworkInterfaceAttribute",
    "DescribeNetworkInterfaces",
    "DescribeRouteTables",
    "DescribeSecurityGroupRules",
    "DescribeSecurityGroups",
    "DescribeSubnets",
    "DescribeVpcEncryptionControls",
    "DescribeVpcEndpoints",
    "DescribeVpcPeeringConnections",
    "DescribeVpcs",
)
"""Of these EC2 knows no resource-level permissions."""


def create(call: ApiCall, kind: str, *others: str, tags: Mapping[str, str]) -> Iterator[Demand]:
    """Make a new resource of that kind from others, and tag it."""
    yield Demand(f"ec2:{call.operation}", call.arn("ec2", f"{kind}/*"), request_tags(tags))
    yield from (on(call, resource) for resource in others)
    if tags:
        context = {**request_tags(tags), "ec2:CreateAction": call.operation}
        yield Demand("ec2:CreateTags", call.arn("ec2", f"{kind}/*"), context)


def on(call: ApiCall, resource: str) -> Demand:
    """The call's action on something that exists."""
    return Demand(f"ec2:{call.operation}", call.arn("ec2", resource), _tags(call, resource))


def _tags(call: ApiCall, resource: str) -> Context:
    described = ec2_backends[call.account_id][call.region].describe_tags(
        filters={"resource-id": [resource.split("/", 1)[1]]}
    )
    return resource_tags({tag["key"]: tag["value"] for tag in described})


def create_security_group(call: ApiCall) -> Iterator[Demand]:
    tags = tags_of(tag for given in call.get("TagSpecifications") or [] for tag in given.get("Tags", []))
    yield from create(call, "security-group", f"vpc/{call['VpcId']}", tags=tags)


def on_parameter(parameter: str, kind: str) -> Demands:
    return lambda call: [on(call, f"{kind}/{call.get(parameter) or '*'}")]


CALLS: dict[str, Demands] = {
    **{f"ec2:{action}": plain(f"ec2:{action}") for action in LOOKS},
    "ec2:CreateSecurityGroup": create_security_group,
    "ec2:AuthorizeSecurityGroupIngress": on_parameter("GroupId", "security-group"),
    "ec2:RevokeSecurityGroupIngress": on_parameter("GroupId", "security-group"),
    "ec2:DeleteSecurityGroup": on_parameter("GroupId", "security-group"),
    "ec2:DescribeVpcAttribute": on_parameter("VpcId", "vpc"),
    "ec2:ModifyVpcAttribute": on_parameter("VpcId", "vpc"),
}
