"""What of a request's resources there is: before a run, so that its roll-back removes what the run made and no more."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from provisioner.aws.session import Target
from provisioner.errors import UnsettledError
from provisioner.kubernetes import storage_removal
from provisioner.kubernetes.client import api_of
from provisioner.kubernetes.errors import AccessNotYetEffective
from provisioner.request import CreatedNetwork, Request
from provisioner.resources import (
    access_point_removal,
    cluster,
    cluster_access_removal,
    cluster_dns,
    cluster_logs,
    fargate_profile,
    file_system,
    mount_targets_removal,
    nat_stack,
    network,
    network_stack,
    security_group,
)
from provisioner.resources.vpc import Network


class Existing(BaseModel):
    """Names and ids, whoever made what they name; the default is an account in which nothing was there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    network_stack_id: str | None = None
    nat_stack_id: str | None = None
    cluster: str | None = None
    access_entries: list[str] = []
    fargate_profiles: list[str] = []
    addon: str | None = None
    log_group: str | None = None
    security_group_id: str | None = None
    file_system_id: str | None = None
    # When a removal had kept it (ISO 8601); null of one in use.
    file_system_kept: str | None = None
    access_point_ids: list[str] = []
    mount_target_ids: list[str] = []
    # Ours in the cluster, such as "PersistentVolume efs-pv"; null when the cluster did not tell.
    objects: list[str] | None = []

    @classmethod
    def of(cls, payload: Mapping[str, Any] | None) -> "Existing | None":
        """From what `find_existing` returned; None is no roll-back."""
        return None if payload is None else cls.model_validate(payload)


def find_existing(request: Request, target: Target) -> dict[str, Any]:
    """What there is now, as JSON; only reads: about 15 calls. What another account has is no business of a removal."""
    efs, cloudformation = target.client("efs"), target.client("cloudformation")
    made = isinstance(request.network, CreatedNetwork)
    stack = network_stack.find(request, cloudformation) if made else None
    nat = nat_stack.find(request, cloudformation) if made else None
    vpc_id = network.find_mounts_vpc_id(request, cloudformation)
    is_ours = request.lender is None
    group = security_group.find(request, Network(vpc_id, ()), target.client("ec2")) if vpc_id and is_ours else None
    found = file_system.find(request, efs) if is_ours else None
    file_system_id = found["FileSystemId"] if found else None
    logs = cluster_logs.find(request, target.client("logs"))
    return Existing(
        network_stack_id=stack.get("StackId") if stack else None,
        nat_stack_id=nat.get("StackId") if nat else None,
        log_group=logs.get("logGroupName") if logs else None,
        security_group_id=group["GroupId"] if group else None,
        file_system_id=file_system_id,
        file_system_kept=file_system.kept_since(found) if found else None,
        access_point_ids=[each["AccessPointId"] for each in access_point_removal.find_all(file_system_id, efs)]
        if file_system_id
        else [],
        mount_target_ids=[each["MountTargetId"] for each in mount_targets_removal.find_all(file_system_id, efs)]
        if file_system_id
        else [],
        **_cluster(request, target),
    ).model_dump(mode="json")


def _cluster(request: Request, target: Target) -> dict[str, Any]:
    eks = target.client("eks")
    found = cluster.find(request, eks)
    if found is None:
        return {}
    addon = cluster_dns.find(request, eks)
    try:
        objects = storage_removal.find_ours(request, api_of(target, found)) if found["status"] == "ACTIVE" else None
    except (AccessNotYetEffective, UnsettledError):
        objects = None
    return {
        "cluster": found["name"],
        "access_entries": cluster_access_removal.find_all(request, eks),
        "fargate_profiles": [each["fargateProfileName"] for each in fargate_profile.find_all(request, eks)],
        "addon": cluster_dns.NAME if addon else None,
        "objects": objects,
    }
