"""What has been changed of a cluster, and how that ended, as EKS keeps it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_eks import EKSClient
    from mypy_boto3_eks.literals import UpdateStatusType, UpdateTypeType
    from mypy_boto3_eks.type_defs import UpdateTypeDef


def latest(
    cluster: str,
    eks: "EKSClient",
    kind: "UpdateTypeType",
    *,
    status: "UpdateStatusType | None" = None,
    addon: str | None = None,
) -> "UpdateTypeDef | None":
    """The newest update of that kind, of the cluster or of its add-on; None without any.

    ListUpdates tells ids alone and in no order. Source: EKS API, ListUpdates, DescribeUpdate.
    """
    paginator = eks.get_paginator("list_updates")
    if addon:
        ids = [each for page in paginator.paginate(name=cluster, addonName=addon) for each in page["updateIds"]]
        found = [eks.describe_update(name=cluster, addonName=addon, updateId=each)["update"] for each in ids]
    else:
        ids = [each for page in paginator.paginate(name=cluster) for each in page["updateIds"]]
        found = [eks.describe_update(name=cluster, updateId=each)["update"] for each in ids]
    fitting = [each for each in found if each["type"] == kind and status in (None, each["status"])]
    return max(fitting, key=lambda update: update["createdAt"], default=None)
