"""Resources with our owner tag that belong to no record: forgotten, and costing. They are reported, and never removed.

A record speaks for its cluster's resources until the cluster is removed, and then for the file system that was kept.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.client import BaseClient
from botocore.exceptions import ClientError

from provisioner.aws.errors import boundary_error
from provisioner.aws.session import Target
from provisioner.errors import BoundaryError
from provisioner.fields import OWNER_TAG
from provisioner.fleet.new_accounts import Enrolled
from provisioner.fleet.records import scan
from provisioner.request import Request

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_HOURS_A_MONTH: Final = 730
# US dollars a month, at the list prices of us-east-1; by "service:kind" of the ARN. What is not here costs nothing by
# itself. Source: AWS pricing pages of EKS (standard support), VPC (NAT gateway, public IPv4 address), July 2026.
_MONTHLY_USD: Final[Mapping[str, float]] = {
    "eks:cluster": 0.10 * _HOURS_A_MONTH,
    "ec2:natgateway": 0.045 * _HOURS_A_MONTH,
    "ec2:elastic-ip": 0.005 * _HOURS_A_MONTH,
}
# EFS Standard, a GiB and month. Source: EFS pricing page.
_EFS_USD: Final = 0.30
_ABSENT: Final = frozenset(
    {"ResourceNotFoundException", "FileSystemNotFound", "AccessPointNotFound", "ValidationError"}
)
_AT_ONCE: Final = 8
# An event has room for 256 KiB.
_LISTED: Final = 200


@dataclass(frozen=True)
class Orphan:
    """`cluster` is what its owner tag says."""

    account_id: str
    region: str
    cluster: str
    arn: str
    monthly_usd: float


@dataclass(frozen=True)
class Place:
    account_id: str
    region: str


@dataclass(frozen=True)
class Orphans:
    """`not_looked_at` says why, of each account and region that could not be."""

    found: Sequence[Orphan]
    not_looked_at: Mapping[Place, str]

    def payload(self) -> dict[str, Any]:
        """{orphans: [{account_id, region, cluster, arn, monthly_usd}], orphans_left_out, orphans_monthly_usd,
        orphans_not_looked_at: [{account_id, region, cause}]}; the dearest first.
        """
        dearest = sorted(self.found, key=lambda each: (-each.monthly_usd, each.arn))
        missed = [{**asdict(place), "cause": cause} for place, cause in self.not_looked_at.items()]
        return {
            "orphans": [asdict(each) for each in dearest[:_LISTED]],
            "orphans_left_out": max(0, len(dearest) - _LISTED),
            "orphans_monthly_usd": round(sum(each.monthly_usd for each in dearest), 2),
            "orphans_not_looked_at": missed[:_LISTED],
        }


def find_orphans(
    dynamodb: "DynamoDBClient", table: str, organizations: BaseClient, units: Iterable[str], own_region: str
) -> Orphans:
    """Looks in every region that a record names, and in the enrolled accounts in `own_region` too. Only reads.

    Raises: ClientError, where the records or the organization cannot be read.
    Source: Resource Groups Tagging API, GetResources.
    """
    names = ("cluster", "removed_at", "kept_file_system")
    records = {item["cluster"]["S"]: item for item in scan(dynamodb, table, *names)}
    places = {Place(*key.split("#")[:2]) for key in records}
    places |= {Place(account_id, own_region) for account_id in Enrolled.at_or_below(units, organizations).accounts}
    ordered = sorted(places, key=lambda place: (place.account_id, place.region))
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        looked_at = dict(zip(ordered, threads.map(_look, ordered), strict=True))
    return Orphans(
        [
            each
            for found in looked_at.values()
            if not isinstance(found, str)
            for each in found
            if _is_forgotten(each, records)
        ],
        {place: found for place, found in looked_at.items() if isinstance(found, str)},
    )


def _is_forgotten(orphan: Orphan, records: Mapping[str, Mapping[str, Any]]) -> bool:
    record = records.get(f"{orphan.account_id}#{orphan.region}#{orphan.cluster}")
    if record is None:
        return True
    if "removed_at" not in record:
        return False
    kept = json.loads(record.get("kept_file_system", {}).get("S", "null"))
    # Its access point, too, goes by the file system.
    return not (kept and (kept["id"] in orphan.arn or ":access-point/" in orphan.arn))


def _look(place: Place) -> list[Orphan] | str:
    """What carries our tag there; or why that is not known."""
    try:
        target = Target.of(Request(account_id=place.account_id, region=place.region), role="inspector")
        return list(_tagged(place, target))
    except BoundaryError as error:
        return str(error)
    except ClientError as error:
        return str(boundary_error(error, error.operation_name))


def _tagged(place: Place, target: Target) -> Iterator[Orphan]:
    pages = target.client("resourcegroupstaggingapi").get_paginator("get_resources")
    for page in pages.paginate(TagFilters=[{"Key": OWNER_TAG}]):
        for each in page["ResourceTagMappingList"]:
            arn, tags = each["ResourceARN"], {tag["Key"]: tag["Value"] for tag in each["Tags"]}
            if _is_there(arn, target):
                yield Orphan(place.account_id, place.region, tags[OWNER_TAG], arn, _monthly_usd(arn, target))


def _is_there(arn: str, target: Target) -> bool:
    """The tagging API lists for a while what is gone, EC2 a deleted NAT gateway for an hour.

    What is inside a cluster is there if the cluster is.
    """
    _, _, service, _, _, name = arn.split(":", 5)
    kind, _, resource_id = name.partition("/")
    try:
        match service, kind:
            case "ec2", "natgateway":
                asked: Any = [{"Name": "nat-gateway-id", "Values": [resource_id]}]
                found = target.client("ec2").describe_nat_gateways(Filters=asked)["NatGateways"]
                return any(each.get("State") not in ("deleted", "deleting") for each in found)
            case "ec2", _:
                asked = [{"Name": "resource-id", "Values": [resource_id]}]
                return bool(target.client("ec2").describe_tags(Filters=asked)["Tags"])
            case "eks", _:
                return bool(target.client("eks").describe_cluster(name=resource_id.split("/")[0])["cluster"])
            case "elasticfilesystem", "file-system":
                return bool(target.client("efs").describe_file_systems(FileSystemId=resource_id)["FileSystems"])
            case "elasticfilesystem", "access-point":
                return bool(target.client("efs").describe_access_points(AccessPointId=resource_id)["AccessPoints"])
            case "cloudformation", _:
                (stack,) = target.client("cloudformation").describe_stacks(StackName=arn)["Stacks"]
                return stack["StackStatus"] != "DELETE_COMPLETE"
            case "logs", _:
                group = name.removeprefix("log-group:").removesuffix(":*")
                listed = target.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
                return any(each["logGroupName"] == group for each in listed)
            case _:
                return True
    except ClientError as error:
        if error.response["Error"]["Code"] in _ABSENT:
            return False
        raise


def _monthly_usd(arn: str, target: Target) -> float:
    _, _, service, _, _, name = arn.split(":", 5)
    kind = name.split("/", 1)[0]
    if (service, kind) != ("elasticfilesystem", "file-system"):
        return round(_MONTHLY_USD.get(f"{service}:{kind}", 0.0), 2)
    found = target.client("efs").describe_file_systems(FileSystemId=name.split("/", 1)[1])["FileSystems"]
    return round(sum(each["SizeInBytes"]["Value"] for each in found) / 2**30 * _EFS_USD, 2)
