"""Managed add-ons: coredns is DEGRADED until a Fargate profile takes its pods.

Source: EKS API reference (CreateAddon, AddonIssue), DescribeAddonConfiguration's schema of coredns.
"""

import contextlib
import json
import urllib.error
from typing import Any

from moto.core.responses import ActionResult

from local.aws import eks_bootstrap
from local.aws.eks_base import EksOperations
from local.aws.eks_rules import check_addon_role
from local.aws.eks_state import Addon, Cluster, Update, utc_now
from local.aws.refusals import refusal

EFS_ADDON = "aws-efs-csi-driver"
ADDON_VERSIONS = {
    "coredns": "v1.12.4-eksbuild.1",
    "vpc-cni": "v1.20.4-eksbuild.2",
    "kube-proxy": "v1.35.0-eksbuild.2",
    EFS_ADDON: "v2.3.1-eksbuild.1",
    "metrics-server": "v0.8.0-eksbuild.5",
}
COREDNS_OPTIONS = {
    "affinity": dict,
    "autoScaling": dict,
    "computeType": str,
    "corefile": str,
    "nodeSelector": dict,
    "podAnnotations": dict,
    "podDisruptionBudget": dict,
    "podLabels": dict,
    "replicaCount": int,
    "resources": dict,
    "tolerations": list,
    "topologySpreadConstraints": list,
}


class AddonOperations(EksOperations):
    def create_addon(self) -> ActionResult:
        cluster, name = self.active_cluster(), self.parameter("addonName")
        if name not in ADDON_VERSIONS:
            raise refusal("InvalidParameterException", f"Addon specified is not supported: {name}", addonName=str(name))
        if name in cluster.addons:
            raise refusal("ResourceInUseException", "Addon already exists.", clusterName=cluster.name, addonName=name)
        self._check(name)
        addon = Addon(
            name=name,
            cluster_name=cluster.name,
            arn=cluster.arn_of("addon", name),
            version=self.parameter("addonVersion") or ADDON_VERSIONS[name],
            configuration=self.parameter("configurationValues"),
            service_account_role_arn=self.parameter("serviceAccountRoleArn"),
            tags=self.tags_parameter(),
        )
        cluster.addons[name] = addon
        overwrite = self.parameter("resolveConflicts") == "OVERWRITE"

        def finish() -> None:
            if cluster.self_managed_addons and name == "coredns" and not overwrite:
                addon.status = "CREATE_FAILED"
                addon.issues = [_conflict()]
            elif addon.status == "CREATING":
                addon.status = "ACTIVE"

        self.later("add-on", finish)
        return ActionResult({"addon": addon.describe()})

    def describe_addon(self) -> ActionResult:
        cluster = self.cluster()
        addon = self._addon(cluster)
        _look_after(cluster, addon)
        return ActionResult({"addon": addon.describe()})

    def list_addons(self) -> ActionResult:
        return ActionResult(self.page(list(self.cluster().addons), "addons"))

    def update_addon(self) -> ActionResult:
        cluster = self.active_cluster()
        addon = self._addon(cluster)
        if addon.status in ("CREATING", "UPDATING", "DELETING"):
            raise refusal(
                "ResourceInUseException",
                f"Addon {addon.name} cannot be updated as it is currently in {addon.status} state",
                addonName=addon.name,
            )
        self._check(addon.name)
        changes = {"addonVersion": self.parameter("addonVersion"), "configurationValues": None}
        changes["configurationValues"] = self.parameter("configurationValues")
        addon.version = changes["addonVersion"] or addon.version
        addon.configuration = changes["configurationValues"] or addon.configuration
        addon.status, addon.modified_at = "UPDATING", utc_now()
        params = [{"type": n[0].upper() + n[1:], "value": v} for n, v in changes.items() if v is not None]
        update = Update("AddonUpdate", params, addon_name=addon.name)
        cluster.updates[update.id] = update

        def finish() -> None:
            update.status = "Successful"
            if addon.status == "UPDATING":
                addon.status, addon.issues = "ACTIVE", []

        self.later("add-on", finish)
        return ActionResult({"update": update.describe()})

    def delete_addon(self) -> ActionResult:
        """With `preserve`, what it had put into the cluster stays. Source: EKS API, DeleteAddon; eksctl#7518."""
        cluster = self.cluster()
        addon = self._addon(cluster)
        addon.status = "DELETING"
        preserves = str(self.parameter("preserve", False)).lower() == "true"

        def remove_driver() -> None:
            if cluster.control_plane is not None:
                with contextlib.suppress(urllib.error.URLError):  # somebody was faster, or the cluster is gone
                    eks_bootstrap.remove_driver(cluster.control_plane)

        def finish() -> None:
            cluster.addons.pop(addon.name, None)

        if addon.name == EFS_ADDON and not preserves:
            self.cloud.clock.later("add-on deletion", remove_driver)  # without the lock: the API may ask who it is

        self.later("add-on deletion", finish)
        return ActionResult({"addon": addon.describe()})

    def _addon(self, cluster: Cluster) -> Addon:
        name = self.parameter("addonName")
        found = cluster.addons.get(name)
        if found is None:
            raise refusal(
                "ResourceNotFoundException", f"No addon: {name} found in cluster: {cluster.name}", addonName=str(name)
            )
        return found

    def _check(self, name: str) -> None:
        if role_arn := self.parameter("serviceAccountRoleArn"):
            check_addon_role(role_arn)
        if name == "coredns":
            _check_coredns_configuration(self.parameter("configurationValues"))


def _check_coredns_configuration(text: str | None) -> None:
    if not text:
        return
    try:
        values = json.loads(text)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise refusal("InvalidParameterException", "Configuration values provided in request are not valid JSON")
    for name, value in values.items():
        expected = COREDNS_OPTIONS.get(name)
        if expected is None or not isinstance(value, expected):
            raise refusal(
                "InvalidParameterException",
                "ConfigurationValue provided in request is not supported: Json schema validation failed with error: "
                f"[$.{name}: is not defined in the schema and the schema does not allow additional properties, or has "
                "the wrong type]",
                addonName="coredns",
            )


def _look_after(cluster: Cluster, addon: Addon) -> None:
    """coredns only runs where a profile takes its pods, and only when told to run on Fargate."""
    if addon.name != "coredns" or addon.status not in ("ACTIVE", "DEGRADED"):
        return
    on_fargate = json.loads(addon.configuration or "{}").get("computeType", "").lower() == "fargate"
    placed = on_fargate and any(
        profile.status == "ACTIVE" and any(s["namespace"] == "kube-system" for s in profile.selectors)
        for profile in cluster.profiles.values()
    )
    addon.status = "ACTIVE" if placed else "DEGRADED"
    addon.issues = [] if placed else [_too_few_replicas()]


def _too_few_replicas() -> dict[str, Any]:
    return {
        "code": "InsufficientNumberOfReplicas",
        "message": "The add-on is unhealthy because it doesn't have the desired number of replicas.",
        "resourceIds": [],
    }


def _conflict() -> dict[str, Any]:
    return {
        "code": "ConfigurationConflict",
        "message": "Conflicts found when trying to apply. Will not continue due to resolve conflicts mode. Conflicts: "
        "Deployment.apps coredns - .spec.template.metadata.annotations",
        "resourceIds": [],
    }
