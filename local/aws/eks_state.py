"""What the embedded EKS remembers: clusters and what belongs to them, each able to describe itself as the API does."""

import base64
import datetime
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from moto.eks.models import eks_backends

from local.kubernetes.interfaces import ControlPlane

LOCK = threading.RLock()
"""Held by every EKS call and by everything that changes these objects later."""


def utc_now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


@dataclass
class AccessEntry:
    cluster_name: str
    principal_arn: str
    principal_id: str | None
    username: str
    kubernetes_groups: list[str]
    type: str
    arn: str
    tags: dict[str, str]
    created_at: datetime.datetime = field(default_factory=utc_now)
    modified_at: datetime.datetime = field(default_factory=utc_now)
    policies: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Associated policies as the API describes them, by policy ARN."""

    def describe(self) -> dict[str, Any]:
        return {
            "clusterName": self.cluster_name,
            "principalArn": self.principal_arn,
            "kubernetesGroups": self.kubernetes_groups,
            "accessEntryArn": self.arn,
            "createdAt": self.created_at,
            "modifiedAt": self.modified_at,
            "tags": self.tags,
            "username": self.username,
            "type": self.type,
        }


@dataclass
class FargateProfile:
    name: str
    cluster_name: str
    arn: str
    pod_execution_role_arn: str
    subnets: list[str]
    selectors: list[dict[str, Any]]
    tags: dict[str, str]
    request: dict[str, Any]
    status: str = "CREATING"
    issues: list[dict[str, Any]] = field(default_factory=list)
    created_at: datetime.datetime = field(default_factory=utc_now)

    def describe(self) -> dict[str, Any]:
        return {
            "fargateProfileName": self.name,
            "fargateProfileArn": self.arn,
            "clusterName": self.cluster_name,
            "createdAt": self.created_at,
            "podExecutionRoleArn": self.pod_execution_role_arn,
            "subnets": self.subnets,
            "selectors": self.selectors,
            "status": self.status,
            "tags": self.tags,
            "health": {"issues": self.issues},
        }


@dataclass
class Nodegroup:
    name: str
    cluster_name: str
    arn: str
    version: str
    role_arn: str
    subnets: list[str]
    scaling: dict[str, int]
    tags: dict[str, str]
    status: str = "CREATING"
    created_at: datetime.datetime = field(default_factory=utc_now)

    def describe(self) -> dict[str, Any]:
        return {
            "nodegroupName": self.name,
            "nodegroupArn": self.arn,
            "clusterName": self.cluster_name,
            "version": self.version,
            "createdAt": self.created_at,
            "modifiedAt": self.created_at,
            "status": self.status,
            "capacityType": "ON_DEMAND",
            "scalingConfig": self.scaling,
            "subnets": self.subnets,
            "nodeRole": self.role_arn,
            "health": {"issues": []},
            "tags": self.tags,
        }


@dataclass
class Addon:
    name: str
    cluster_name: str
    arn: str
    version: str
    configuration: str | None
    service_account_role_arn: str | None
    tags: dict[str, str]
    status: str = "CREATING"
    issues: list[dict[str, Any]] = field(default_factory=list)
    created_at: datetime.datetime = field(default_factory=utc_now)
    modified_at: datetime.datetime = field(default_factory=utc_now)

    def describe(self) -> dict[str, Any]:
        described = {
            "addonName": self.name,
            "clusterName": self.cluster_name,
            "status": self.status,
            "addonVersion": self.version,
            "health": {"issues": self.issues},
            "addonArn": self.arn,
            "createdAt": self.created_at,
            "modifiedAt": self.modified_at,
            "serviceAccountRoleArn": self.service_account_role_arn,
            "tags": self.tags,
            "publisher": "eks",
            "owner": "aws",
            "configurationValues": self.configuration,
        }
        return {name: value for name, value in described.items() if value is not None}


@dataclass
class Update:
    type: str
    params: list[dict[str, str]]
    addon_name: str | None = None
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    status: str = "InProgress"
    created_at: datetime.datetime = field(default_factory=utc_now)
    errors: list[dict[str, Any]] = field(default_factory=list)

    def describe(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "status": self.status,
            "type": self.type,
            "params": self.params,
            "createdAt": self.created_at,
            "errors": self.errors,
        }


@dataclass
class Cluster:
    name: str
    arn: str
    account_id: str
    region: str
    partition: str
    role_arn: str
    version: str
    vpc_config: dict[str, Any]
    network_config: dict[str, Any]
    upgrade_policy: dict[str, str]
    logging: dict[str, Any]
    access_config: dict[str, Any]
    encryption_config: list[dict[str, Any]]
    deletion_protection: bool
    self_managed_addons: bool
    client_request_token: str | None
    tags: dict[str, str]
    request: dict[str, Any]
    interface_ids: list[str]
    status: str = "CREATING"
    issues: list[dict[str, Any]] = field(default_factory=list)
    created_at: datetime.datetime = field(default_factory=utc_now)
    control_plane: ControlPlane | None = None
    reached_at: str | None = None
    """Another address than its API server's own: somebody stands in between."""
    is_quiet: bool = False
    """Its control plane has nothing to log for now."""
    access_entries: dict[str, AccessEntry] = field(default_factory=dict)
    effective_entries: dict[str, AccessEntry] = field(default_factory=dict)
    """What authentication already knows of access_entries: eventually consistent with them."""
    creator: AccessEntry | None = None
    """In mode CONFIG_MAP the creator is an administrator without an entry anybody can see."""
    profiles: dict[str, FargateProfile] = field(default_factory=dict)
    nodegroups: dict[str, Nodegroup] = field(default_factory=dict)
    node_versions: dict[str, str] = field(default_factory=dict)
    """Of Fargate: a node is of the cluster's version at the time, and stays so until its pod is made again."""
    addons: dict[str, Addon] = field(default_factory=dict)
    updates: dict[str, Update] = field(default_factory=dict)
    issues_seen: list[dict[str, Any]] = field(default_factory=list)
    """What EKS found wrong when it last looked at everything."""
    refresh: dict[str, Any] = field(default_factory=dict)
    upgrade: tuple[str, datetime.datetime] | None = None
    """From which version, and when; an upgrade may be taken back for a while."""

    @property
    def security_group_id(self) -> str:
        return str(self.vpc_config["clusterSecurityGroupId"])

    def arn_of(self, kind: str, *path: str) -> str:
        return "/".join([self.arn.replace(":cluster/", f":{kind}/"), *path, str(uuid.uuid4())])

    def describe(self) -> dict[str, Any]:
        described = {
            "name": self.name,
            "arn": self.arn,
            "createdAt": self.created_at,
            "version": self.version,
            "roleArn": self.role_arn,
            "resourcesVpcConfig": self.vpc_config,
            "kubernetesNetworkConfig": self.network_config,
            "logging": self.logging,
            "status": self.status,
            "platformVersion": "eks.1",
            "tags": self.tags,
            "encryptionConfig": self.encryption_config,
            "clientRequestToken": self.client_request_token,
            "health": {"issues": self.issues},
            "accessConfig": self.access_config,
            "deletionProtection": self.deletion_protection,
            "upgradePolicy": self.upgrade_policy,
        }
        if self.control_plane is not None and self.status not in ("CREATING", "FAILED"):
            certificate = base64.b64encode(self.control_plane.ca_pem.encode()).decode()
            described |= {
                "endpoint": self.reached_at or self.control_plane.url,
                "certificateAuthority": {"data": certificate},
                "identity": {"oidc": {"issuer": f"https://oidc.eks.{self.region}.amazonaws.com/id/{self.oidc_id}"}},
            }
        return described

    @property
    def oidc_id(self) -> str:
        return uuid.uuid5(uuid.NAMESPACE_URL, f"{self.arn} {self.created_at}").hex.upper()


def clusters_of(account_id: str, region: str) -> dict[str, Cluster]:
    """moto's own dictionary of clusters, holding ours: a reset of moto empties it."""
    return cast(dict[str, Cluster], eks_backends[account_id][region].clusters)


def all_clusters() -> Iterator[Cluster]:
    """Every cluster of every account and region."""
    for account in list(eks_backends.values()):
        for backend in list(account.values()):
            yield from list(cast(dict[str, Cluster], backend.clusters).values())
