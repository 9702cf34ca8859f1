"""What there is of one cluster in the account, in the cluster and in the record, so that two runs can be compared.

By the APIs and not by the program: a check that shares the program's mistakes would not see them. What differs between
any two good runs (ids, times, addresses, the name) is written alike.
"""

import json
import re
import urllib.error
from collections.abc import Iterator, Mapping
from typing import Any, Final

from local.aws.eks_state import clusters_of
from local.cloud import EmbeddedCloud
from local.faults.scene import OWNER_TAG, Scene

_ALIKE: Final = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<uuid>"),
    (re.compile(r"\b([a-z]+)-[0-9a-f]{8,}\b"), r"\1-<id>"),
    (re.compile(r"\b[0-9a-fA-F]{32,64}\b"), "<hash>"),
    (re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)|\d{4}-\d\d-\d\d [\d:.]+\+00:00"), "<time>"),
    (re.compile(r"https://127\.0\.0\.1:\d+|\b192\.168\.\d+\.\d+\b(?!/)"), "<address>"),
)
_TOLD_ANEW: Final = {
    "ResponseMetadata",
    *("createdAt", "modifiedAt", "CreationTime", "StackId", "LastUpdatedTime"),
    *("certificateAuthority", "identity", "endpoint", "certificate_authority", "SizeInBytes", "NumberOfMountTargets"),
    *("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "status"),
}
_KINDS: Final = (
    *("/apis/storage.k8s.io/v1/csidrivers", "/apis/storage.k8s.io/v1/storageclasses"),
    *("/api/v1/persistentvolumes", "/api/v1/persistentvolumeclaims", "/api/v1/namespaces"),
)
_ROLES: Final = ("cluster", "fargate-pods", "provisioner", "inspector", "remover")
_PROOFS: Final = ("/api/v1/pods", "/apis/apps/v1/deployments")

State = Mapping[str, Any]


def state_of(cloud: EmbeddedCloud, claims_table: str, cluster: str, stack: str) -> State:
    """`stack` begins the names of the roles that this stack works with."""
    found = {
        **_in_eks(cloud, cluster),
        **_in_efs(cloud, cluster),
        **_in_ec2(cloud, cluster),
        **_around(cloud, cluster),
        **_in_kubernetes(cloud, cluster),
        "record": _record(cloud, claims_table, cluster),
    }
    plain = json.dumps(_without(found, _TOLD_ANEW), default=str, sort_keys=True)
    named = (
        (re.compile(rf"\b{re.escape(cluster)}\b"), "<cluster>"),
        (re.compile(rf"\b{re.escape(stack)}-({'|'.join(_ROLES)})\b"), r"<stack>-\1"),
    )
    for pattern, alike in (*named, *_ALIKE):
        plain = pattern.sub(alike, plain)
    alike_state: State = _ordered(json.loads(plain))
    return alike_state


def differences(good: State, other: State) -> list[str]:
    """Where the other one is different, shortly."""
    return [
        f"{key}: {_short(other.get(key))} instead of {_short(good.get(key))}"
        for key in sorted({*good, *other})
        if good.get(key) != other.get(key)
    ]


def _short(value: Any) -> str:
    text = json.dumps(value, sort_keys=True)
    return text if len(text) < 400 else f"{text[:400]}…"


def _in_eks(cloud: EmbeddedCloud, cluster: str) -> dict[str, Any]:
    eks = cloud.client("eks")
    if cluster not in eks.list_clusters()["clusters"]:
        return {"cluster": None}
    described = eks.describe_cluster(name=cluster)["cluster"]
    if described["status"] != "ACTIVE":
        return {"cluster": described}  # whoever looked at what is in it would be refused
    entries = eks.list_access_entries(clusterName=cluster)["accessEntries"]
    return {
        "cluster": described,
        "access": {
            _role(arn): (
                eks.describe_access_entry(clusterName=cluster, principalArn=arn)["accessEntry"],
                eks.list_associated_access_policies(clusterName=cluster, principalArn=arn)["associatedAccessPolicies"],
            )
            for arn in entries
        },
        "profiles": [
            eks.describe_fargate_profile(clusterName=cluster, fargateProfileName=name)["fargateProfile"]
            for name in eks.list_fargate_profiles(clusterName=cluster)["fargateProfileNames"]
        ],
        "add-ons": [
            eks.describe_addon(clusterName=cluster, addonName=name)["addon"]
            for name in eks.list_addons(clusterName=cluster)["addons"]
        ],
    }


def _role(arn: str) -> str:
    return arn.rpartition("/")[2]


def _in_efs(cloud: EmbeddedCloud, cluster: str) -> dict[str, Any]:
    efs = cloud.client("efs")
    owned = [
        each
        for page in efs.get_paginator("describe_file_systems").paginate()
        for each in page["FileSystems"]
        if {"Key": OWNER_TAG, "Value": cluster} in each["Tags"] and each["LifeCycleState"] != "deleted"
    ]
    return {"file systems": [_file_system(efs, each) for each in owned]}


def _file_system(efs: Any, described: Mapping[str, Any]) -> dict[str, Any]:
    asked = {"FileSystemId": described["FileSystemId"]}
    targets = efs.describe_mount_targets(**asked)["MountTargets"]
    try:
        policy = json.loads(efs.describe_file_system_policy(**asked)["Policy"])
    except efs.exceptions.PolicyNotFound:
        policy = None
    return {
        "itself": described,
        "lifecycle": efs.describe_lifecycle_configuration(**asked)["LifecyclePolicies"],
        "backup": efs.describe_backup_policy(**asked)["BackupPolicy"],
        "policy": policy,
        "access points": efs.describe_access_points(**asked)["AccessPoints"],
        "mount targets": [
            {
                **{name: each[name] for name in ("AvailabilityZoneId", "LifeCycleState")},
                "groups": len(
                    efs.describe_mount_target_security_groups(MountTargetId=each["MountTargetId"])["SecurityGroups"]
                ),
            }
            for each in targets
        ],
    }


def _in_ec2(cloud: EmbeddedCloud, cluster: str) -> dict[str, Any]:
    ec2 = cloud.client("ec2")
    owned = [{"Name": f"tag:{OWNER_TAG}", "Values": [cluster]}]
    vpcs = [each["VpcId"] for each in ec2.describe_vpcs(Filters=owned)["Vpcs"]]
    inside = [{"Name": "vpc-id", "Values": vpcs or ["none"]}]
    return {
        "VPCs": len(vpcs),
        "subnets": [each["CidrBlock"] for each in ec2.describe_subnets(Filters=inside)["Subnets"]],
        "NAT gateways": len(
            [each for each in ec2.describe_nat_gateways(Filters=inside)["NatGateways"] if each["State"] != "deleted"]
        ),
        "security groups": [
            (each["GroupName"], each["IpPermissions"], each.get("Tags"))
            for each in ec2.describe_security_groups(Filters=owned)["SecurityGroups"]
        ],
    }


def _around(cloud: EmbeddedCloud, cluster: str) -> dict[str, Any]:
    stacks = [
        (each["StackName"], each["StackStatus"])
        for page in cloud.client("cloudformation").get_paginator("describe_stacks").paginate()
        for each in page["Stacks"]
        if {"Key": OWNER_TAG, "Value": cluster} in each.get("Tags", []) and each["StackStatus"] != "DELETE_COMPLETE"
    ]
    groups = cloud.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/eks/{cluster}/")["logGroups"]
    return {
        "stacks": stacks,
        "log groups": [(each["logGroupName"], each.get("retentionInDays")) for each in groups],
    }


def _in_kubernetes(cloud: EmbeddedCloud, cluster: str) -> dict[str, Any]:
    known = clusters_of(cloud.account_id, cloud.region).get(cluster)
    if known is None or known.control_plane is None:
        return {}
    scene = Scene(
        cloud, {"request": {"account_id": cloud.account_id, "region": cloud.region, "cluster": {"name": cluster}}}
    )
    try:
        return {
            "objects": {path: _items(scene, path) for path in _KINDS},
            "proofs": [each["metadata"]["name"] for path in _PROOFS for each in _of_proofs(scene, path)],
        }
    except urllib.error.URLError as error:
        return {"objects": f"cannot be listed: {error}"}


def _items(scene: Scene, path: str) -> list[Any]:
    return list((scene.get(path) or {"items": []})["items"])


def _of_proofs(scene: Scene, path: str) -> Iterator[Any]:
    found = _items(scene, f"{path}?labelSelector=eks-efs-provisioner/run")
    yield from (each for each in found if "deletionTimestamp" not in each["metadata"])


def _record(cloud: EmbeddedCloud, claims_table: str, cluster: str) -> dict[str, Any]:
    key = {"cluster": {"S": f"{cloud.account_id}#{cloud.region}#{cluster}"}}
    item = cloud.client("dynamodb").get_item(TableName=claims_table, Key=key).get("Item", {})
    told = {name: next(iter(value.values())) for name, value in item.items()}
    kept = ("status", "claimed_by", "failure", "removal_failure", "request", "proven")
    return {name: told[name] for name in kept if name in told}


def _without(value: Any, names: set[str]) -> Any:
    if isinstance(value, Mapping):
        return {name: _without(each, names) for name, each in value.items() if name not in names}
    return [_without(each, names) for each in value] if isinstance(value, list | tuple) else value


def _ordered(value: Any) -> Any:
    """Lists in an order of their own: no API promises one."""
    if isinstance(value, Mapping):
        return {name: _ordered(each) for name, each in value.items()}
    if isinstance(value, list):
        return sorted((_ordered(each) for each in value), key=lambda each: json.dumps(each, sort_keys=True))
    return value
