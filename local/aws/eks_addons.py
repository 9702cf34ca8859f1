"""Managed add-ons: coredns is DEGRADED until its Deployment has its replicas.

Source: EKS API reference (CreateAddon, AddonIssue), DescribeAddonConfiguration's schema of coredns.
"""

import contextlib
import json
import urllib.error
from typing import Any

from moto.core.common_types import TYPE_RESPONSE
from moto.core.responses import ActionResult

from local.aws import eks_bootstrap, eks_coredns, eks_objects
from local.aws.eks_base import EksOperations
from local.aws.eks_rules import check_addon_role
from local.aws.eks_state import LOCK, Addon, Cluster, Update, utc_now
from local.aws.refusals import refusal

EFS_ADDON = "aws-efs-csi-driver"
ADDON_VERSIONS = {
    "coredns": "v1.12.4-eksbuild.1",
    "vpc-cni": "v1.20.4-eksbuild.2",
    "kube-proxy": "v1.35.0-eksbuild.2",
    EFS_ADDON: "v2.3.1-eksbuild.1",
    "metrics-server": "v0.8.0-eksbuild.5",
}
COREDNS_VERSIONS = {
    "1.32": "v1.11.3-eksbuild.2",
    "1.33": "v1.11.4-eksbuild.2",
    "1.34": "v1.12.1-eksbuild.2",
    "1.35": "v1.12.2-eksbuild.4",
    "1.36": "v1.12.3-eksbuild.1",
    "1.37": ADDON_VERSIONS["coredns"],
}
"""Kubernetes version -> EKS's default of it, which works with the version before and the one after it too."""
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
    def call_action(self) -> TYPE_RESPONSE:
        """EKS has looked after the add-on, without the lock, before somebody hears how it is."""
        if self._get_action() == "DescribeAddon":
            cluster = self.find_cluster()
            addon = cluster and cluster.addons.get(self.parameter("addonName"))
            if cluster and addon:
                _look_after(cluster, addon)
        return super().call_action()

    def create_addon(self) -> ActionResult:
        cluster, name = self.active_cluster(), self.parameter("addonName")
        if name not in ADDON_VERSIONS:
            raise refusal("InvalidParameterException", f"Addon specified is not supported: {name}", addonName=str(name))
        if name in cluster.addons:
            raise refusal("ResourceInUseException", "Addon already exists.", clusterName=cluster.name, addonName=name)
        self._check(name)
        self._check_version(name, cluster)
        addon = Addon(
            name=name,
            cluster_name=cluster.name,
            arn=cluster.arn_of("addon", name),
            version=self.parameter("addonVersion") or default_version(name, cluster.version),
            configuration=self.parameter("configurationValues"),
            service_account_role_arn=self.parameter("serviceAccountRoleArn"),
            tags=self.tags_parameter(),
        )
        cluster.addons[name] = addon
        overwrite = self.parameter("resolveConflicts") == "OVERWRITE"
        conflicts = cluster.self_managed_addons and name == "coredns" and not overwrite

        def finish() -> None:
            issues = [_conflict()] if conflicts else _install(cluster, addon)
            with LOCK:
                if addon.status == "CREATING":
                    _settle(addon, issues, "CREATE_FAILED")

        self.cloud.clock.later("add-on", finish)
        return ActionResult({"addon": addon.describe()})

    def describe_addon(self) -> ActionResult:
        cluster = self.cluster()
        addon = self._addon(cluster)
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
        self._check_version(addon.name, cluster)
        changes = {"addonVersion": self.parameter("addonVersion"), "configurationValues": None}
        changes["configurationValues"] = self.parameter("configurationValues")
        addon.version = changes["addonVersion"] or addon.version
        addon.configuration = changes["configurationValues"] or addon.configuration
        addon.status, addon.modified_at = "UPDATING", utc_now()
        params = [{"type": n[0].upper() + n[1:], "value": v} for n, v in changes.items() if v is not None]
        update = Update("AddonUpdate", params, addon_name=addon.name)
        cluster.updates[update.id] = update

        def finish() -> None:
            issues = _install(cluster, addon)
            with LOCK:
                update.status = "Failed" if issues else "Successful"
                if addon.status == "UPDATING":
                    _settle(addon, issues, "UPDATE_FAILED")

        self.cloud.clock.later("add-on", finish)
        return ActionResult({"update": update.describe()})

    def delete_addon(self) -> ActionResult:
        """With `preserve`, what it had put into the cluster stays. Source: EKS API, DeleteAddon; eksctl#7518."""
        cluster = self.cluster()
        addon = self._addon(cluster)
        addon.status = "DELETING"
        preserves = str(self.parameter("preserve", False)).lower() == "true"

        def finish() -> None:
            if not preserves:
                _uninstall(cluster, addon)
            with LOCK:
                cluster.addons.pop(addon.name, None)

        self.cloud.clock.later("add-on deletion", finish)
        return ActionResult({"addon": addon.describe()})

    def _addon(self, cluster: Cluster) -> Addon:
        name = self.parameter("addonName")
        found = cluster.addons.get(name)
        if found is None:
            raise refusal(
                "ResourceNotFoundException", f"No addon: {name} found in cluster: {cluster.name}", addonName=str(name)
            )
        return found

    def _check_version(self, name: str, cluster: Cluster) -> None:
        """Text: as users of terraform-provider-aws quote it."""
        version = self.parameter("addonVersion")
        if version is not None and version not in compatible_versions(name, cluster.version):
            raise refusal("InvalidParameterException", "Addon version specified is not supported", addonName=name)

    def _check(self, name: str) -> None:
        if role_arn := self.parameter("serviceAccountRoleArn"):
            check_addon_role(role_arn)
        if name == "coredns":
            _check_coredns_configuration(self.parameter("configurationValues"))


def default_version(name: str, kubernetes_version: str) -> str:
    return COREDNS_VERSIONS[kubernetes_version] if name == "coredns" else ADDON_VERSIONS[name]


def compatible_versions(name: str, kubernetes_version: str) -> list[str]:
    """Newest first."""
    if name != "coredns":
        return [ADDON_VERSIONS[name]]
    known = list(COREDNS_VERSIONS)
    place = known.index(kubernetes_version)
    return [COREDNS_VERSIONS[version] for version in reversed(known[max(place - 1, 0) : place + 2])]


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


def _install(cluster: Cluster, addon: Addon) -> list[dict[str, Any]]:
    """Puts into the cluster what the add-on has there; the issues that keep it from that."""
    if addon.name != "coredns" or cluster.control_plane is None:
        return []
    wanted = eks_coredns.deployment(cluster.region, addon.version, addon.configuration)
    try:
        eks_objects.apply(cluster.control_plane, wanted)
    except urllib.error.HTTPError as refused:
        message = json.loads(refused.read())["message"]
        return [{"code": "AdmissionRequestDenied", "message": message, "resourceIds": []}]
    except OSError as unreached:
        return [{"code": "ClusterUnreachable", "message": str(unreached), "resourceIds": []}]
    return []


def _settle(addon: Addon, issues: list[dict[str, Any]], failed: str) -> None:
    """Pods that were only now asked for do not run yet."""
    if issues:
        addon.status, addon.issues = failed, issues
    elif addon.name == "coredns":
        addon.status, addon.issues = "DEGRADED", [_too_few_replicas()]
    else:
        addon.status, addon.issues = "ACTIVE", []


def _uninstall(cluster: Cluster, addon: Addon) -> None:
    own = {"coredns": eks_coredns.KEY, EFS_ADDON: eks_bootstrap.EFS_DRIVER}.get(addon.name)
    if own is not None and cluster.control_plane is not None:
        with contextlib.suppress(OSError):  # somebody was faster, or the cluster is gone
            eks_objects.remove(cluster.control_plane, own)


def _look_after(cluster: Cluster, addon: Addon) -> None:
    """Where the cluster does not answer, it is taken to be as it was."""
    if addon.name != "coredns" or addon.status not in ("ACTIVE", "DEGRADED") or cluster.control_plane is None:
        return
    try:
        runs = eks_coredns.has_its_replicas(eks_objects.get(cluster.control_plane, eks_coredns.KEY))
    except OSError:
        return
    with LOCK:
        if addon.status in ("ACTIVE", "DEGRADED"):
            addon.status = "ACTIVE" if runs else "DEGRADED"
            addon.issues = [] if runs else [_too_few_replicas()]


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
