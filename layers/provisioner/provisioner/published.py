"""The details of the events about checks and removals, for whoever subscribes to them.

`python -m provisioner.published schemas` writes their JSON Schemas; the state machines make the events themselves.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Text = Annotated[str, Field(min_length=1)]
AccountId = Annotated[str, Field(pattern="^[0-9]{12}$")]
ExecutionArn = Annotated[str, Field(pattern="^arn:aws[a-z-]*:states:", description="ARN of an execution")]
ReportUrl = Annotated[str | None, Field(pattern="^s3://", description="null when the page could not be written")]
Count = Annotated[int, Field(ge=0)]
Depth = Literal["configuration", "behaviour"]
SchemaVersion = Annotated[
    Literal["1"],
    Field(description="Raised when a field changes its meaning or goes away; new fields do not raise it"),
]


class _Detail(BaseModel):
    """New fields may come: readers ignore what they do not know."""

    model_config = ConfigDict(extra="allow")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Difference(_Part):
    resource: Annotated[Text, Field(description="Kind and id or name, as people say it")]
    path: Annotated[Text, Field(description="The field that differs, dotted")]
    expected: Annotated[JsonValue, Field(description="What was asked for")]
    actual: Annotated[JsonValue, Field(description="What is there")]
    severity: Annotated[
        Literal["critical", "warning", "information"],
        Field(
            description="critical: pods cannot use the storage now, or data is at risk; information: told and nothing "
            "more, in `slower` and `accounts_changed` alone"
        ),
    ]
    fix: Annotated[Text, Field(description="What remediation does, or what a person has to do, with exact ids")]
    repairable: Annotated[bool, Field(description="Whether remediation repairs it")]


class Cluster(_Part):
    name: Text
    arn: Annotated[str, Field(pattern="^arn:aws[a-z-]*:eks:")]
    endpoint: Text
    version: Text


class MountTarget(_Detail):
    mount_target_id: Text
    availability_zone_id: Text


class FileSystem(_Part):
    id: Annotated[str, Field(pattern="^fs-[0-9a-f]+$")]
    account_id: Annotated[
        AccountId | None, Field(description="Whose it is; null: the cluster's account's, as recorded by older versions")
    ] = None
    access_point_id: str | None
    mount_targets: Annotated[list[MountTarget], Field(min_length=1)]


class Volume(_Part):
    volume_handle: Annotated[str, Field(pattern="^fs-[0-9a-f]+(::fsap-[0-9a-f]+)?$")]
    mount_target_address: Annotated[
        str | None, Field(description="null: mounted by the file system's name; also where it is not told")
    ] = None
    namespace: Text
    storage_class: Text
    persistent_volume: Text
    claim: Text


class UnlistedVolume(_Part):
    persistent_volume: Text
    claim: Annotated[str | None, Field(description="namespace/name; null: bound to none")]
    volume_handle: str
    phase: str
    how_to_remove: Text


class Storage(Volume):
    """The first volume, and all of them."""

    volumes: Annotated[list[Volume], Field(description="Empty in what was recorded before there could be several")] = []
    unlisted: Annotated[
        list[UnlistedVolume], Field(description="Volumes of this cluster that were no longer asked for; they stay")
    ] = []


class Proven(_Part):
    proven: Literal[True]
    evidence: Annotated[dict[str, JsonValue], Field(description="As in evidence.schema.json")]


class LeftOut(_Part):
    proven: Literal[False]
    left_out_because: Text


class Support(_Part):
    version: Text
    upgrade_policy: Literal["STANDARD", "EXTENDED"]
    is_extended: Annotated[bool, Field(description="Standard support has ended: six times the price")]
    standard_until: Annotated[str | None, Field(description="ISO 8601 day; null: EKS names none")]


class Remediation(_Part):
    execution_arn: ExecutionArn


class ClusterChecked(_Detail):
    schema_version: SchemaVersion
    request_id: Annotated[Text, Field(description="Name of the execution")]
    account_id: AccountId
    region: Text
    cluster: Annotated[Cluster, Field(description="As recorded when the cluster was last proven; so the next two")]
    file_system: FileSystem
    storage: Storage
    checked_at: Annotated[Text, Field(description="ISO 8601")]
    depth: Depth
    behaviour: Annotated[
        Proven | LeftOut | None, Field(description="What the pods proved, or why they did not run; null: not asked for")
    ]
    slower: Annotated[
        list[Difference],
        Field(description="What the pods found slower than in earlier proofs; never drift, never repaired, no alarm"),
    ] = []
    support: Annotated[
        Support | None, Field(description="Of the version that runs, as EKS tells; null: the cluster is not ACTIVE")
    ]
    repaired: Annotated[list[Difference], Field(description="What differed before remediation and no longer does")]
    remediation: Annotated[Remediation | None, Field(description="The provision run that repaired; null: none was")]
    report_url: ReportUrl
    execution_arn: ExecutionArn


class ClusterVerified(ClusterChecked):
    """Detail of the event that a recorded cluster still is what was asked for."""

    drift: Annotated[list[Difference], Field(max_length=0)]
    refused: Annotated[list[Difference], Field(max_length=0)]


class ClusterDrifted(ClusterChecked):
    """Detail of the event that a recorded cluster no longer is what was asked for."""

    drift: Annotated[list[Difference], Field(min_length=1, description="Everything that differs now")]
    refused: Annotated[
        list[Difference],
        Field(description="What remediation was asked for and cannot do; its fix says why. Then nothing was touched"),
    ]


class Named(_Part):
    name: Text


class Removed(_Part):
    resource: Annotated[Text, Field(description="Kind, as people say it")]
    id: Text


class Kept(Removed):
    why: Text


class KeptFileSystem(_Part):
    id: Annotated[str, Field(pattern="^fs-[0-9a-f]+$")]
    size_bytes: Annotated[Count, Field(description="As EFS measures it, not of one moment")]
    attach: Annotated[Text, Field(description="How a later cluster takes it over")]


class ClusterRemoved(_Detail):
    """Detail of the event that a recorded cluster was removed, and of what was kept."""

    schema_version: SchemaVersion
    request_id: Annotated[Text, Field(description="Name of the execution")]
    account_id: AccountId
    region: Text
    cluster: Named
    removed: Annotated[list[Removed], Field(description="What was there when the removal began, and is gone")]
    kept: Annotated[list[Kept], Field(description="What was left, and why")]
    kept_file_system: Annotated[KeptFileSystem | None, Field(description="null: there was none, or it is gone")]
    reason: Annotated[str | None, Field(description="What the person gave as the reason")]
    timings: Annotated[dict[str, float], Field(description="Seconds per state")]
    report_url: ReportUrl
    execution_arn: ExecutionArn


class Counts(_Part):
    """Clusters by outcome."""

    verified: Count
    drifted: Count
    failed: Annotated[Count, Field(description="Configured as asked for, and yet the storage did not work")]
    unreachable: Annotated[Count, Field(description="The check could not be made")]
    busy: Annotated[Count, Field(description="Left alone: an execution works on it")]
    never_proven: Annotated[Count, Field(description="Left alone: no run has ever ended well")]


class Attention(_Detail):
    account_id: AccountId
    region: Text
    cluster_name: Text
    status: Annotated[Text, Field(description="Drifted, Failed, Unreachable, NotRepaired, or an error's name")]
    differences: Count
    execution_arn: ExecutionArn | None
    cause: str | None


class LeavingSupport(_Part):
    account_id: AccountId
    region: Text
    cluster_name: Text
    version: Text
    upgrade_policy: Annotated[
        Literal["STANDARD", "EXTENDED"],
        Field(description="What comes then: STANDARD, EKS upgrades it; EXTENDED, it costs six times as much"),
    ]
    standard_until: Annotated[Text, Field(description="ISO 8601 day")]
    days_left: Annotated[int, Field(description="Until then; negative since")]


class NewAccountsFailure(_Part):
    state: Text
    error: Text
    cause: str


class AccountLeftOut(_Part):
    account_id: AccountId
    because: Text


class AccountChanged(Difference):
    """Of an account, since a cluster was made for it without anybody's asking."""

    account_id: AccountId
    region: Text
    cluster_name: Text


class Orphan(_Part):
    account_id: AccountId
    region: Text
    cluster: Annotated[Text, Field(description="What its owner tag says")]
    arn: Annotated[str, Field(pattern="^arn:aws[a-z-]*:")]
    monthly_usd: Annotated[float, Field(ge=0, description="At the list prices of us-east-1; 0: nothing by itself")]


class NotLookedAt(_Part):
    account_id: AccountId
    region: Text
    cause: Text


class FleetChecked(_Detail):
    """Detail of the event that every recorded cluster has been checked."""

    schema_version: SchemaVersion
    request_id: Annotated[Text, Field(description="Name of the execution")]
    depth: Depth
    counts: Counts
    attention: Annotated[list[Attention], Field(description="The clusters that somebody has to look at, at most 200")]
    attention_left_out: Count
    leaving_support: Annotated[
        list[LeavingSupport],
        Field(description="Clusters whose version leaves standard support within 60 days, or has, at most 200"),
    ]
    leaving_support_left_out: Count
    new_accounts: Annotated[list[AccountId], Field(description="Enrolled accounts whose provisioning was started")]
    new_accounts_failure: Annotated[
        NewAccountsFailure | None, Field(description="Why new accounts could not be found or provisioned")
    ]
    accounts_left_out: Annotated[
        list[AccountLeftOut], Field(description="Enrolled accounts without a cluster that are to have none, and why")
    ]
    accounts_changed: Annotated[
        list[AccountChanged],
        Field(
            description="What is other than when an account's cluster was made: left out since, its unit, or defaults; "
            "at most 50. Told and nothing more: nobody has to look, and nothing is changed by it"
        ),
    ] = []
    accounts_changed_left_out: Count = 0
    orphans: Annotated[
        list[Orphan] | None,
        Field(description="What carries our tag and belongs to no record, at most 200; null: nobody looked"),
    ]
    orphans_left_out: Count
    orphans_monthly_usd: Annotated[float, Field(ge=0, description="What all of them cost a month")]
    orphans_not_looked_at: Annotated[list[NotLookedAt], Field(description="Where nobody could look")]
    orphans_failure: Annotated[NewAccountsFailure | None, Field(description="Why nobody looked, though asked to")]
    report_url: ReportUrl
    execution_arn: ExecutionArn


EVENTS: Final[Mapping[str, type[_Detail]]] = {
    "Storage Cluster Verified": ClusterVerified,
    "Storage Cluster Drifted": ClusterDrifted,
    "Storage Cluster Removed": ClusterRemoved,
    "Storage Fleet Checked": FleetChecked,
}


def file_name(detail_type: str) -> str:
    return f"{detail_type.lower().replace(' ', '-')}.schema.json"


def json_schema(detail_type: str) -> dict[str, Any]:
    """JSON Schema of the detail of an event of this type."""
    schema = EVENTS[detail_type].model_json_schema()
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": file_name(detail_type)}
    return {**head, **schema, "title": detail_type}


if __name__ == "__main__":
    for each in EVENTS:
        (Path(sys.argv[1]) / file_name(each)).write_text(json.dumps(json_schema(each), indent=2) + "\n")
