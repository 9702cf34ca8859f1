"""What CloudFormation does as whoever has a stack made, changed or removed: each resource's handlers.

The registry says which permissions a handler needs, the reference what each is asked for on. Which of a handler's
permissions it uses when is not published, so all of them have to be allowed, and those of its read handler with them:
CloudFormation reads what it made. Source: CloudFormation CLI guide, "Resource type handlers".
"""

from collections.abc import Iterator, Mapping
from typing import Any

from local.aws.permissions import derivation
from local.aws.permissions.demand import Context, Demand, Place, request_tags, tags_of
from local.aws.permissions.reference import Action, ResourceType, action
from local.aws.resource_schemas import Handler, ResourceSchema, resource_schema

CALLED_VIA: Context = {
    "aws:CalledVia": ("cloudformation.amazonaws.com",),
    "aws:CalledViaFirst": "cloudformation.amazonaws.com",
    "aws:CalledViaLast": "cloudformation.amazonaws.com",
    "aws:ViaAWSService": "true",
}
"""Source: IAM guide, "AWS global condition context keys"."""

THEN_READ: Mapping[Handler, tuple[Handler, ...]] = {
    "create": ("create", "read"),
    "update": ("update", "read"),
    "delete": ("delete",),
}


def demands(
    place: Place,
    handler: Handler,
    resource_type: str,
    properties: Mapping[str, Any],
    stack_tags: Mapping[str, str] | None = None,
) -> Iterator[Demand]:
    """`properties` of the template, and the resource's identifiers when it is there. Raises: LookupError.

    Source: CloudFormation API, CreateStack, Tags: "also propagates these tags to supported resources".
    """
    schema = resource_schema(resource_type, place.region)
    context = dict(CALLED_VIA)
    if handler == "create" and schema.tagged_at_creation:
        context |= request_tags({**(stack_tags or {}), **_tags(properties)})
    if boundary := properties.get("PermissionsBoundary"):
        context["iam:PermissionsBoundary"] = boundary
    for permission in schema.permissions(*THEN_READ[handler]):
        try:
            wanted = action(permission)
        except LookupError:
            yield Demand(permission, "*", CALLED_VIA)  # of another name in the reference, if it is there at all
            continue
        yield from derivation.demands(wanted, place, _values(schema, wanted, properties), context)


def _tags(properties: Mapping[str, Any]) -> dict[str, str]:
    tags = properties.get("Tags")
    return dict(tags) if isinstance(tags, Mapping) else tags_of(tags)


def _values(schema: ResourceSchema, wanted: Action, properties: Mapping[str, Any]) -> derivation.Values:
    """Properties have the names of the reference's placeholders; what is still to be made is `*`."""
    own = {name: properties.get(name, "*") for name in schema.identifiers}
    # Only the resource itself is tagged, whatever else it is connected to.
    known = own if "Tagging" in wanted.access_level else {**properties, **own}
    known |= _with_path(properties)

    def values(_: ResourceType, placeholder: str) -> list[str]:
        value = known.get(placeholder)
        return [value] if isinstance(value, str) else []

    return values


def _with_path(properties: Mapping[str, Any]) -> dict[str, str]:
    """An ARN has the path that a role or a policy is made with. Source: IAM guide, "IAM ARNs"."""
    path = str(properties.get("Path", "/")).lstrip("/")
    names = {kind: properties.get(f"{kind}Name", "*") for kind in ("Role", "ManagedPolicy")}
    return {
        "RoleNameWithPath": f"{path}{names['Role']}",
        "PolicyNameWithPath": f"{path}{names['ManagedPolicy']}",
    }
