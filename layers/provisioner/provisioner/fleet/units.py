"""Where an account is in its organization, and whether it is left out of what the others get.

Only the management account and delegated administrators may ask, of accounts of their own organization; to others an
account is where the event or the request says.
"""

from collections.abc import Container, Sequence
from typing import Any, Final

from botocore.client import BaseClient
from botocore.exceptions import ClientError

LEFT_OUT_TAG: Final = "eks-efs-provisioner/left-out"
_NOT_FOR_US: Final = frozenset(
    {
        "AccessDeniedException",
        "AWSOrganizationsNotInUseException",
        "ChildNotFoundException",
        "TargetNotFoundException",
    }
)


def is_not_for_us(error: ClientError) -> bool:
    return error.response["Error"]["Code"] in _NOT_FOR_US


def parent_of(child_id: str, organizations: BaseClient) -> dict[str, Any]:
    """{Id, Type} of the one parent that an account or a unit has. Source: Organizations API, ListParents."""
    parents = organizations.get_paginator("list_parents").paginate(ChildId=child_id).build_full_result()
    (parent,) = parents["Parents"]
    return dict(parent)


def path_to(unit_id: str, organizations: BaseClient) -> list[str]:
    """The units from the outermost down to `unit_id`, five at most. Raises: ClientError.

    Source: Organizations user guide, "Quotas for AWS Organizations": OU maximum nesting.
    """
    path = [unit_id]
    while (parent := parent_of(path[0], organizations))["Type"] == "ORGANIZATIONAL_UNIT":
        path.insert(0, str(parent["Id"]))
    return path


def known_path_to(unit_id: str, organizations: BaseClient) -> tuple[list[str], str]:
    """The same, or the unit alone and why those above it are not known, where the organization is not ours to ask."""
    try:
        return path_to(unit_id, organizations), ""
    except ClientError as error:
        if not is_not_for_us(error):
            raise
        return [unit_id], str(error)


def tag_of(account_id: str, organizations: BaseClient) -> str | None:
    """What the account says itself of its being left out. Source: Organizations API, ListTagsForResource."""
    pages = organizations.get_paginator("list_tags_for_resource").paginate(ResourceId=account_id)
    tags = pages.build_full_result()["Tags"]
    return next((str(tag["Value"]) for tag in tags if tag["Key"] == LEFT_OUT_TAG), None)


def known_tag_of(account_id: str, organizations: BaseClient) -> tuple[str | None, str]:
    """The same, and why it is not known, "" when it is: where the organization is not ours to ask."""
    try:
        return tag_of(account_id, organizations), ""
    except ClientError as error:
        if is_not_for_us(error):
            return None, str(error)
        raise


def why_left_out(account_id: str, tag: str | None, units: Sequence[str], left_out: Container[str]) -> str | None:
    """Why nothing is made for the account unless somebody asks for it; None when something is. The nearest decides.

    Its tag comes first: `false` keeps it in although its unit is left out, anything else leaves it out. `left_out` are
    the ids of accounts and units that the stack names, `units` those that the account is in, the outermost first.
    """
    if tag is not None:
        return None if tag == "false" else f"account {account_id} has the tag {LEFT_OUT_TAG} = {tag}"
    named = next((each for each in (account_id, *reversed(units)) if each in left_out), None)
    return f"the stack's parameter LeftOut names {named}" if named else None
