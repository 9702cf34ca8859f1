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
        """By the name of an add-on, or all."""
        asked, versions = self.parameter("addonName"), eks_addons.ADDON_VERSIONS
        works_with = [
            {
                "clusterVersion": version,
                "defaultVersion": version == eks_rules.DEFAULT_VERSION,
                "platformVersions": ["*"],
            }
            for version in eks_rules.OFFERED_VERSIONS
        ]
        addons = [
            {
                "addonName": name,
                "owner": "aws",
                "publisher": "eks",
                "addonVersions": [{"addonVersion": version, "compatibilities": works_with}],
            }
            for name, version in versions.items()
            if asked in (None, name)
        ]
        return ActionResult({"addons": addons})

    def describe_addon_configuration(self) -> ActionResult:
        name, version = self.parameter("addonName"), self.parameter("addonVersion")
        if eks_addons.ADDON_VERSIONS.get(name) != version:
            raise refusal("ResourceNotFoundException", f"No such version of the add-on {name}: {version}")
        described: dict[str, Any] = {"addonName": name, "addonVersion": version}
        if name == "coredns":
            described["configurationSchema"] = json.dumps(coredns_schema())
        return ActionResult(described)

    def list_access_policies(self) -> ActionResult:
        policies = [{"name": name, "arn": policy_arn(self.partition, name)} for name in eks_access.ACCESS_POLICIES]
        return ActionResult({"accessPolicies": policies})


def coredns_schema() -> dict[str, Any]:
    """The very rules that CreateAddon checks a configuration by."""
    options = {name: {"type": JSON_TYPES[kind]} for name, kind in eks_addons.COREDNS_OPTIONS.items()}
    return {
        "$schema": "http://json-schema.org/draft-06/schema#",
        "type": "object",
        "additionalProperties": False,
        "properties": options,
    }
