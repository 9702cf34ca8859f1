"""EKS access entries: who may use a cluster's API, effective only a little after the call that said so.

Source: EKS API reference (CreateAccessEntry and its neighbours), EKS guide "Create access entries".
"""

import re
from typing import Any

from moto.core.responses import ActionResult

from local.aws import iam
from local.aws.eks_base import EksOperations
from local.aws.eks_state import AccessEntry, Cluster, utc_now
from local.aws.refusals import refusal
from local.kubernetes import authenticator as tokens

ACCESS_POLICIES = (
    "AmazonEKSClusterAdminPolicy",
    "AmazonEKSAdminPolicy",
    "AmazonEKSEditPolicy",
    "AmazonEKSViewPolicy",
    "AmazonEKSAdminViewPolicy",
    "AmazonEKSSecretReaderPolicy",
)
ENTRY_TYPES = ("STANDARD", "FARGATE_LINUX", "EC2_LINUX", "EC2_WINDOWS", "EC2", "HYBRID_LINUX", "HYPERPOD_LINUX")
PRINCIPAL = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/[\w+=,.@/-]+")
NODE_GROUPS = {"FARGATE_LINUX": ["system:node-proxier"], "EC2_LINUX": ["system:nodes"]}


class AccessOperations(EksOperations):
    def create_access_entry(self) -> ActionResult:
        cluster, principal = self._cluster_with_entries(), self.parameter("principalArn")
        if principal in cluster.access_entries:
            raise refusal(
                "ResourceInUseException",
                "The specified access entry resource is already in use on this cluster.",
                clusterName=cluster.name,
            )
        kind, groups = self.parameter("type", "STANDARD"), self.parameter("kubernetesGroups", [])
        _check_principal(principal)
        _check_groups(kind, groups, self.parameter("username"))
        entry = new_entry(cluster, principal, kind=kind)
        entry.kubernetes_groups = groups or NODE_GROUPS.get(kind, [])
        entry.username = self.parameter("username") or entry.username
        entry.tags = self.tags_parameter()
        self.grant(cluster, entry)
        return ActionResult({"accessEntry": entry.describe()})

    def describe_access_entry(self) -> ActionResult:
        return ActionResult({"accessEntry": self._entry(self._cluster_with_entries()).describe()})

    def list_access_entries(self) -> ActionResult:
        cluster, policy = self._cluster_with_entries(), self.parameter("associatedPolicyArn")
        entries = [e.principal_arn for e in cluster.access_entries.values() if policy is None or policy in e.policies]
        return ActionResult(self.page(entries, "accessEntries"))

    def update_access_entry(self) -> ActionResult:
        cluster = self._cluster_with_entries()
        entry = self._entry(cluster)
        _check_groups(entry.type, self.parameter("kubernetesGroups", []), self.parameter("username"))
        entry.kubernetes_groups = self.parameter("kubernetesGroups", entry.kubernetes_groups)
        entry.username = self.parameter("username", entry.username)
        entry.modified_at = utc_now()
        self.spread(cluster, entry.principal_arn)
        return ActionResult({"accessEntry": entry.describe()})

    def delete_access_entry(self) -> ActionResult:
        cluster = self._cluster_with_entries()
        entry = self._entry(cluster)
        del cluster.access_entries[entry.principal_arn]
        self.spread(cluster, entry.principal_arn)
        return ActionResult({})

    def associate_access_policy(self) -> ActionResult:
        cluster = self._cluster_with_entries()
        entry, arn, scope = self._entry(cluster), self.parameter("policyArn"), self.parameter("accessScope")
        if arn not in {policy_arn(cluster.partition, name) for name in ACCESS_POLICIES}:
            raise refusal("InvalidParameterException", f"The policyArn parameter format is not valid: {arn}")
        if entry.type != "STANDARD":
            raise refusal(
                "InvalidParameterException",
                'This operation can only be performed on Access Entries with a type of "STANDARD".',
            )
        _check_scope(scope)
        associate(entry, arn, scope)
        self.spread(cluster, entry.principal_arn)
        return ActionResult(
            {
                "clusterName": cluster.name,
                "principalArn": entry.principal_arn,
                "associatedAccessPolicy": entry.policies[arn],
            }
        )

    def list_associated_access_policies(self) -> ActionResult:
        cluster = self._cluster_with_entries()
        entry = self._entry(cluster)
        return ActionResult(
            {
                "clusterName": cluster.name,
                "principalArn": entry.principal_arn,
                "associatedAccessPolicies": list(entry.policies.values()),
            }
        )

    def disassociate_access_policy(self) -> ActionResult:
        cluster = self._cluster_with_entries()
        entry, arn = self._entry(cluster), self.parameter("policyArn")
        if entry.policies.pop(arn, None) is None:
            raise refusal("ResourceNotFoundException", f"No associated access policy found for policyArn: {arn}")
        self.spread(cluster, entry.principal_arn)
        return ActionResult({})

    def list_access_policies(self) -> ActionResult:
        policies = [{"name": name, "arn": policy_arn(self.partition, name)} for name in ACCESS_POLICIES]
        return ActionResult({"accessPolicies": policies})

    def _cluster_with_entries(self) -> Cluster:
        cluster = self.active_cluster()
        if cluster.access_config["authenticationMode"] == "CONFIG_MAP":
            raise refusal(
                "InvalidRequestException",
                "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this "
                "operation.",
                clusterName=cluster.name,
            )
        return cluster

    def _entry(self, cluster: Cluster) -> AccessEntry:
        principal = self.parameter("principalArn")
        found = cluster.access_entries.get(principal)
        if found is None:
            raise refusal(
                "ResourceNotFoundException",
                "The specified principalArn could not be found. You can view your available access entries with "
                "'list-access-entries'.",
                clusterName=cluster.name,
            )
        return found


def new_entry(cluster: Cluster, principal_arn: str, *, kind: str = "STANDARD") -> AccessEntry:
    """An entry with EKS's defaults, not yet part of the cluster."""
    _, partition, _, _, account_id, resource = principal_arn.split(":", 5)
    name = resource.rsplit("/", 1)[-1]
    username = principal_arn
    if kind != "STANDARD":
        username = "system:node:{{SessionName}}"
    elif resource.startswith("role/"):
        username = f"arn:{partition}:sts::{account_id}:assumed-role/{name}/{{{{SessionName}}}}"
    return AccessEntry(
        cluster_name=cluster.name,
        principal_arn=principal_arn,
        principal_id=iam.principal_id(principal_arn),
        username=username,
        kubernetes_groups=NODE_GROUPS.get(kind, []),
        type=kind,
        arn=cluster.arn_of("access-entry", resource.split("/", 1)[0], account_id, name),
        tags={},
    )


def policy_arn(partition: str, name: str) -> str:
    return f"arn:{partition}:eks::aws:cluster-access-policy/{name}"


def associate(entry: AccessEntry, arn: str, scope: dict[str, Any] | None = None) -> None:
    """Adds a policy, or changes the scope of one already there."""
    now = utc_now()
    associated_at = entry.policies.get(arn, {}).get("associatedAt", now)
    entry.policies[arn] = {
        "policyArn": arn,
        "accessScope": {"type": "cluster", "namespaces": []} | (scope or {}),
        "associatedAt": associated_at,
        "modifiedAt": now,
    }


def authenticator(cluster: Cluster) -> tokens.Authenticator:
    """The token verifier of the cluster: real secrets, and the entries that have taken effect by then."""
    return tokens.Authenticator(
        cluster_name=cluster.name,
        partition=cluster.partition,
        credentials=iam.find_credential,
        entries=lambda: _entries_for_tokens(cluster),
    )


def _entries_for_tokens(cluster: Cluster) -> list[tokens.AccessEntry]:
    """An entry means the principal it was made for: a role deleted and made anew is another principal."""
    known = list(cluster.effective_entries.values()) + ([cluster.creator] if cluster.creator else [])
    return [
        tokens.AccessEntry(
            principal_arn=_without_path(entry.principal_arn),
            username=entry.username,
            groups=tuple(entry.kubernetes_groups),
            policies=tuple(
                policy["policyArn"].rsplit("/", 1)[-1]
                for policy in entry.policies.values()
                if policy["accessScope"]["type"] == "cluster"
            ),
        )
        for entry in known
        if entry.principal_id == iam.principal_id(entry.principal_arn)
    ]


def admits_nodes(cluster: Cluster, role_arn: str) -> bool:
    """Whether nodes with this role are let in: by its entry, or by the ConfigMap aws-auth, which is not looked at."""
    if cluster.access_config["authenticationMode"] != "API":
        return True
    entry = cluster.effective_entries.get(role_arn)
    return entry is not None and entry.type == "FARGATE_LINUX" and entry.principal_id == iam.principal_id(role_arn)


def _without_path(principal_arn: str) -> str:
    """A token only tells the role's name: an assumed role's ARN has no path."""
    prefix, separator, rest = principal_arn.partition(":role/")
    return f"{prefix}{separator}{rest.rsplit('/', 1)[-1]}" if separator else principal_arn


def _check_principal(principal: Any) -> None:
    if not PRINCIPAL.fullmatch(str(principal)):
        raise refusal("InvalidParameterException", "The principalArn parameter format is not valid")
    if ":role/aws-service-role/" in principal:
        raise refusal(
            "InvalidParameterException",
            "The caller is not allowed to modify access entries with a principalArn value of a Service Linked Role",
        )
    if iam.principal_id(principal) is None:
        raise refusal("InvalidParameterException", "The specified principalArn is invalid: invalid principal.")


def _check_groups(kind: str, groups: list[str], username: str | None) -> None:
    if kind not in ENTRY_TYPES:
        raise refusal("InvalidParameterException", f"The type {kind} is not valid")
    if kind != "STANDARD" and (groups or username):
        raise refusal("InvalidParameterException", f"kubernetesGroups and username cannot be set for type {kind}")
    if any(group.startswith(("system:", "eks:", "aws:", "amazon:", "iam:")) for group in groups):
        raise refusal("InvalidParameterException", "The kubernetes group name is invalid, it cannot start with system:")
    if username and username.startswith(("system:", "eks:", "aws:", "amazon:", "iam:")):
        raise refusal("InvalidParameterException", "The username is invalid, it cannot start with system:")


def _check_scope(scope: Any) -> None:
    kind = (scope or {}).get("type")
    namespaces = (scope or {}).get("namespaces", [])
    if (kind == "namespace") != bool(namespaces):
        raise refusal("InvalidParameterException", "The accessScope is invalid: namespaces go with type namespace")
