"""What becomes of an account after it got its cluster, in an organization that the application's account manages."""

import json
from typing import Any

from local.aws.hooks import Undo
from local.faults.drift.change import Change, calls
from local.faults.scene import Scene

LEFT_OUT_TAG = "eks-efs-provisioner/left-out"
FIELD, SAYS = "file_system.transition_to_ia", {"file_system": {"transition_to_ia": "AFTER_7_DAYS"}}


def organizations(scene: Scene) -> Any:
    return scene.cloud.client("organizations")


def account_id(scene: Scene) -> str:
    return str(scene.request["account_id"])


def parent(scene: Scene) -> str:
    return str(organizations(scene).list_parents(ChildId=account_id(scene))["Parents"][0]["Id"])


def leave_out(scene: Scene) -> None:
    organizations(scene).tag_resource(ResourceId=account_id(scene), Tags=[{"Key": LEFT_OUT_TAG, "Value": "true"}])


def let_in(scene: Scene) -> None:
    organizations(scene).untag_resource(ResourceId=account_id(scene), TagKeys=[LEFT_OUT_TAG])


def move(scene: Scene) -> Undo:
    """Into a new unit below its own."""
    client, ends = organizations(scene), {"SourceParentId": parent(scene)}
    made = client.create_organizational_unit(ParentId=ends["SourceParentId"], Name="within")["OrganizationalUnit"]
    client.move_account(AccountId=account_id(scene), DestinationParentId=made["Id"], **ends)
    return lambda: client.move_account(
        AccountId=account_id(scene), SourceParentId=made["Id"], DestinationParentId=ends["SourceParentId"]
    )


def give_defaults(scene: Scene) -> Undo:
    """Of every stack, for the unit that the account is in now."""
    ssm, unit = scene.cloud.client("ssm"), parent(scene)
    found = ssm.get_paginator("describe_parameters").paginate().build_full_result()["Parameters"]
    names = [f"{each['Name']}/{unit}" for each in found if each["Name"].endswith("/defaults")]
    for name in names:
        ssm.put_parameter(Name=name, Value=json.dumps(SAYS), Type="String")
    return lambda: ssm.delete_parameters(Names=names)


CHANGES = (
    Change(
        "account-left-out",
        "the account was left out of what others get by itself",
        "changed_accounts.LEFT_OUT",
        "account {account}",
        "left_out",
        calls(leave_out, let_in),
        "account",
        of_fleet=True,
    ),
    Change(
        "account-moved",
        "the account was moved to another unit",
        "changed_accounts.UNIT",
        "account {account}",
        "organizational_unit_id",
        move,
        "unit",
        of_fleet=True,
    ),
    Change(
        "defaults-changed",
        "the unit's defaults say something else now",
        "changed_accounts.DEFAULT",
        "account {account}",
        FIELD,
        give_defaults,
        "defaults",
        of_fleet=True,
    ),
)
