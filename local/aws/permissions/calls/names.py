"""How a call names what it is about: by botocore's model and the reference where they agree, else as written here."""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from moto.core.utils import get_service_model
from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE
from moto.efs.models import efs_backends
from moto.iam.models import Role, User, iam_backends
from moto.organizations.models import organizations_backends

from local.aws.permissions.demand import ApiCall, Context, Demand, request_tags
from local.aws.permissions.derivation import Values, knowable, normal, on
from local.aws.permissions.reference import Action, ResourceType, action

WITHOUT_PERMISSION = frozenset({"sts:GetCallerIdentity"})
"""It cannot be denied. Source: STS API, GetCallerIdentity."""

PREFIXES = {"cloudwatch": "cloudwatch", "resourcegroupstaggingapi": "tag"}
"""Where IAM's prefix is not the name that requests are signed for. Source: Service Authorization Reference."""

ACTIONS = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:ListObjectsV2": "s3:ListBucket",
}
"""Operations whose action has another name. Source: Lambda API, Invoke; S3 guide, "Required permissions for Amazon S3
API operations"."""


SPOKEN_OF = {"iam:SimulatePrincipalPolicy": "ResourceArns"}
"""Members whose ARNs are what a call is about, and not what it does anything with. Source: IAM API, that operation."""


def action_of(call: ApiCall) -> Action:
    """Raises: LookupError."""
    prefix = PREFIXES.get(call.service) or str(get_service_model(call.service).signing_name)
    return action(ACTIONS.get(call.name, f"{prefix}:{call.operation}"))


def arns_in(call: ApiCall) -> list[str]:
    """A key may be named by its id alone. Source: KMS API, "KeyId"."""
    aside = SPOKEN_OF.get(call.name)
    texts = (value for name, value in call.scalars() if name != aside and isinstance(value, str))
    found = [value for value in texts if value.startswith("arn:")]
    key_id = str(call.get("KmsKeyId") or "arn:")
    return found if key_id.startswith("arn:") else [*found, call.arn("kms", f"key/{key_id}")]


def also_asked(wanted: Action, resource: str) -> list[str]:
    """CloudWatch Logs asks for log groups with `:log-stream:` behind their name, but for tags, where the reference has
    none; so both have to be allowed.

    Its refusals show it: "logs:PutRetentionPolicy on resource: arn:aws:logs:…:log-group:…:log-stream:". Source for
    tags: CloudWatch Logs API, LogGroup: TagResource, UntagResource and ListTagsForResource take `arn` without an end.
    """
    is_of_tags = "Tagging" in wanted.access_level or wanted.name == "ListTagsForResource"
    is_group = wanted.service == "logs" and resource.count(":") == 6 and not is_of_tags
    return [f"{resource}:log-stream:"] if is_group else []


def values_in(call: ApiCall) -> Values:
    def values(resource_type: ResourceType, placeholder: str) -> Sequence[str]:
        special = SPECIAL.get((call.service, placeholder))
        if special:
            return [value for value in special(call) if value]
        parameter = _parameter(call.parameters, resource_type, placeholder)
        return [str(call[parameter])] if parameter and call[parameter] else []

    return values


def nameable_in(call: ApiCall) -> Callable[[ResourceType], bool]:
    """Of which types the operation has a parameter, given or not."""

    def nameable(resource_type: ResourceType) -> bool:
        members, last = _members(call.service, call.operation), knowable(resource_type)[-1:]
        return any((call.service, name) in SPECIAL or _parameter(members, resource_type, name) for name in last)

    return nameable


def _parameter(parameters: Iterable[str], resource_type: ResourceType, placeholder: str) -> str | None:
    """Of the placeholder's name; or of that without the type's (`name` of a ClusterName), or of the type (`Bucket`)."""
    wanted, kind = placeholder.lower(), normal(resource_type.name)
    lower = {parameter.lower(): parameter for parameter in parameters}
    if wanted in lower:
        return lower[wanted]
    for name, parameter in lower.items():
        if name == kind and wanted.startswith(kind):
            return parameter
        if wanted.endswith(name) and kind.startswith(wanted.removesuffix(name)):
            return parameter
    return None


@functools.cache
def _members(service: str, operation: str) -> tuple[str, ...]:
    """None of S3, of which moto tells the action and not the operation."""
    model = get_service_model(service)
    shape = model.operation_model(operation).input_shape if operation in model.operation_names else None
    return tuple(shape.members) if shape else ()


def _file_system(call: ApiCall) -> Iterator[str]:
    """Mount targets have no ARN: the permission is on their file system. Source: EFS API, DescribeMountTargets."""
    target = efs_backends[call.account_id][call.region].mount_targets_by_id.get(call.get("MountTargetId") or "")
    yield call.get("FileSystemId") or getattr(target, "file_system_id", "") or _tagged("fs-", call)


def _access_point(call: ApiCall) -> Iterator[str]:
    yield call.get("AccessPointId") or _tagged("fsap-", call)


def _tagged(prefix: str, call: ApiCall) -> str:
    """Tags name either by ResourceId. Source: EFS API, TagResource, UntagResource, ListTagsForResource."""
    resource_id = str(call.get("ResourceId") or "")
    return resource_id if resource_id.startswith(prefix) else ""


def _entry(index: int) -> Callable[[ApiCall], Iterator[str]]:
    """access-entry/<cluster>/<role or user>/<account>/<name>/<generated>. Source: EKS API, accessEntryArn."""

    def part(call: ApiCall) -> Iterator[str]:
        if call.get("principalArn"):
            account_id, kind_and_name = str(call["principalArn"]).split(":", 5)[4:]
            yield (kind_and_name.split("/", 1)[0], account_id, kind_and_name.rsplit("/", 1)[-1])[index]

    return part


def _with_path(kind: str) -> Callable[[ApiCall], Iterator[str]]:
    """A role's or user's ARN has its path, and calls name it without: /path/name. Source: IAM guide, "IAM ARNs"."""

    def named(call: ApiCall) -> Iterator[str]:
        name, backend = call.get(f"{kind.title()}Name"), iam_backends[call.account_id][call.partition]
        if call.operation.startswith("Create"):
            yield f"{str(call.get('Path') or '/').lstrip('/')}{name}"
            return
        everybody: list[Role | User] = [*backend.get_roles(), *backend.users.values()]
        found = [str(each.arn).split(f":{kind}/", 1)[1] for each in everybody if f":{kind}/" in str(each.arn)]
        yield next((each for each in found if each.rsplit("/", 1)[-1] == name), name or "")

    return named


def _policy_with_path(call: ApiCall) -> Iterator[str]:
    """Of one that is made: all else names a policy by its ARN."""
    if call.get("PolicyName"):
        yield f"{str(call.get('Path') or '/').lstrip('/')}{call['PolicyName']}"


def _queue(index: int) -> Callable[[ApiCall], Iterator[str]]:
    """https://sqs.<region>.<suffix>/<account>/<name>. Source: SQS guide, "Queue and message identifiers"."""

    def part(call: ApiCall) -> Iterator[str]:
        if call.get("QueueUrl"):
            yield str(call["QueueUrl"]).rsplit("/", 2)[index]

    return part


def _parameter_name(call: ApiCall) -> Iterator[str]:
    """Source: SSM API, Name and Path."""
    yield str(call.get("Name") or call.get("Path") or "").strip("/")


def _relative(prefix: str) -> Callable[[ApiCall], Iterator[str]]:
    """Roots are r-…, units ou-…, accounts twelve digits. Source: Organizations API, ParentId, ChildId, ResourceId."""

    def value(call: ApiCall) -> Iterator[str]:
        named = str(call.get("ParentId") or call.get("ChildId") or call.get("ResourceId") or "")
        if named.startswith(prefix) and (prefix or named.isdigit()):
            yield named.removeprefix(prefix)

    return value


def _organization(call: ApiCall) -> Iterator[str]:
    organization = organizations_backends[call.account_id][call.partition].org
    yield organization.id.removeprefix("o-") if organization else "none"


def _management_account(call: ApiCall) -> Iterator[str]:
    """An organization's roots and units are the management account's."""
    organization = organizations_backends[call.account_id][call.partition].org
    yield organization.master_account_id if organization else ""


SPECIAL: Mapping[tuple[str, str], Callable[[ApiCall], Iterator[str]]] = {
    ("efs", "AccessPointId"): _access_point,
    ("efs", "FileSystemId"): _file_system,
    ("eks", "IamIdentityType"): _entry(0),
    ("eks", "IamIdentityAccountID"): _entry(1),
    ("eks", "IamIdentityName"): _entry(2),
    ("iam", "PolicyNameWithPath"): _policy_with_path,
    ("iam", "RoleNameWithPath"): _with_path("role"),
    ("iam", "UserNameWithPath"): _with_path("user"),
    ("organizations", "Account"): _management_account,
    ("organizations", "OrganizationId"): _organization,
    ("organizations", "AccountId"): _relative(""),
    ("organizations", "OrganizationalUnitId"): _relative("ou-"),
    ("organizations", "RootId"): _relative("r-"),
    ("s3", "BucketName"): lambda call: iter([call.get("Bucket")]),
    ("s3", "ObjectName"): lambda call: iter([call.get("Key")]),
    ("sqs", "Account"): _queue(1),
    ("sqs", "QueueName"): _queue(2),
    ("ssm", "ParameterNameWithoutLeadingSlash"): _parameter_name,
}
"""(service, placeholder) -> its values, where no parameter has a name like it."""


def _put_events(call: ApiCall) -> Iterator[Demand]:
    """Once for each entry, on its bus. Source: EventBridge guide, "Using IAM policy conditions"."""
    for entry in call["Entries"]:
        bus = entry.get("EventBusName") or "default"
        arn = bus if bus.startswith("arn:") else call.arn("events", f"event-bus/{bus}")
        given: Context = {
            "events:source": (str(entry.get("Source", "")),),
            "events:detail-type": (str(entry.get("DetailType", "")),),
            "events:eventBusInvocation": "false",
        }
        yield on(action("events:PutEvents"), arn, given)


def _tags_of_ec2(call: ApiCall) -> Iterator[Demand]:
    """Once for each resource, whose type its id's prefix tells. Source: EC2 API, CreateTags, DeleteTags (Resources)."""
    wanted = action_of(call)
    types = {normal(target.type.name): target.type.name for target in wanted.targets}
    keys: Context = {"aws:TagKeys": tuple(each["Key"] for each in call.get("Tags") or [])}
    given = request_tags(call.tags) if call.operation == "CreateTags" else keys
    for resource_id in call["Resources"]:
        kind = EC2_PREFIX_TO_RESOURCE[resource_id.rpartition("-")[0]]
        arn = call.arn("ec2", f"{types.get(normal(kind), kind)}/{resource_id}")
        yield on(wanted, arn, given)


PER_ENTRY: Mapping[str, Callable[[ApiCall], Iterator[Demand]]] = {
    "ec2:CreateTags": _tags_of_ec2,
    "ec2:DeleteTags": _tags_of_ec2,
    "events:PutEvents": _put_events,
}
