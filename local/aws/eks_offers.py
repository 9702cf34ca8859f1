"""What EKS offers before there is a cluster: add-ons with the schema of their configuration, access policies.

Source: EKS API reference, DescribeAddonVersions, DescribeAddonConfiguration, ListAccessPolicies.
"""

import json
from typing import Any

from moto.core.responses import ActionResult

from local.aws import eks_access, eks_addons, eks_rules
from local.aws.eks_access import policy_arn
from local.aws.eks_base import EksOperations
from local.aws.refusals import refusal

JSON_TYPES = {str: "string", int: "integer", dict: "object", list: "array"}


class OfferOperations(EksOperations):
    def describe_addon_versions(self) -> ActionResult:
        """By the name of an add-on, or all; by the Kubernetes version that they are to work with, or all."""
        asked, of_version = self.parameter("addonName"), self.parameter("kubernetesVersion")
        versions = [of_version] if of_version else list(eks_rules.OFFERED_VERSIONS)
        if of_version and of_version not in eks_rules.OFFERED_VERSIONS:
            raise refusal("InvalidParameterException", f"Unsupported Kubernetes version {of_version}")
        addons = [
            {"addonName": name, "owner": "aws", "publisher": "eks", "addonVersions": _versions_of(name, versions)}
            for name in eks_addons.ADDON_VERSIONS
            if asked in (None, name)
        ]
        return ActionResult({"addons": addons})

    def describe_addon_configuration(self) -> ActionResult:
        name, version = self.parameter("addonName"), self.parameter("addonVersion")
        known = eks_addons.COREDNS_VERSIONS.values() if name == "coredns" else [eks_addons.ADDON_VERSIONS.get(name)]
        if version not in known:
            raise refusal("ResourceNotFoundException", f"No such version of the add-on {name}: {version}")
        described: dict[str, Any] = {"addonName": name, "addonVersion": version}
        if name == "coredns":
            described["configurationSchema"] = json.dumps(coredns_schema())
        return ActionResult(described)

    def list_access_policies(self) -> ActionResult:
        policies = [{"name": name, "arn": policy_arn(self.partition, name)} for name in eks_access.ACCESS_POLICIES]
        return ActionResult({"accessPolicies": policies})


def _versions_of(name: str, kubernetes_versions: list[str]) -> list[dict[str, Any]]:
    """Newest first, each with the Kubernetes versions that it works with."""
    found: dict[str, list[dict[str, Any]]] = {}
    for kubernetes_version in reversed(kubernetes_versions):
        default = eks_addons.default_version(name, kubernetes_version)
        for version in eks_addons.compatible_versions(name, kubernetes_version):
            works_with = {"clusterVersion": kubernetes_version, "platformVersions": ["*"]}
            found.setdefault(version, []).append({**works_with, "defaultVersion": version == default})
    return [{"addonVersion": version, "compatibilities": works_with} for version, works_with in found.items()]


def coredns_schema() -> dict[str, Any]:
    """The very rules that CreateAddon checks a configuration by."""
    options = {name: {"type": JSON_TYPES[kind]} for name, kind in eks_addons.COREDNS_OPTIONS.items()}
    return {
        "$schema": "http://json-schema.org/draft-06/schema#",
        "type": "object",
        "additionalProperties": False,
        "properties": options,
    }
