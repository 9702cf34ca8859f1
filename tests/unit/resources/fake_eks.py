# ruff: noqa: N803  the parameters are spelled as EKS spells them
"""EKS in memory, for what moto's lacks: states, access entries, add-ons, updates, one Fargate profile at a time.

It answers a real boto3 client, so that botocore's model checks every parameter; its answers are checked against the
model too. Tests move states by hand: `eks.clusters["eks-example"]["status"] = "ACTIVE"`.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.validate import ParamValidator

from local.aws.models.constraints import violations
from local.aws.models.refused import sentence
from tests.unit.resources.aws_calls import client, http, refusal
from tests.unit.resources.samples import NETWORK, NOW, REGION

Values = dict[str, Any]
DAY = timedelta(days=1)
CHANGED_WHOLE = ("logging", "deletionProtection", "upgradePolicy")


class RefusedError(Exception):
    """An EKS error code."""


class FakeEks:
    def __init__(self) -> None:
        self.vpc_id = NETWORK.vpc_id  # of the subnets it is given
        self.now = NOW
        self.clusters: dict[str, Values] = {}
        self.access_entries: dict[str, Values] = {}
        self.policies: dict[str, list[Values]] = {}
        self.fargate_profiles: dict[str, Values] = {}
        self.addons: dict[str, Values] = {}
        self.nodegroups: list[str] = []
        self.updates: dict[str, Values] = {}
        self.insights: dict[str, Values] = {}
        self.parameters: dict[str, Values] = {}  # of the last call of each operation
        self.client = client("eks")
        self.client.meta.events.register("provide-client-params.eks.*", self._note)
        self.client.meta.events.register("before-call.eks.*", self._answer)

    def _note(self, params: Values, model: Any, **_: Any) -> None:
        self.parameters[model.name] = params

    def _answer(self, model: Any, **_: Any) -> tuple[AWSResponse, Values]:
        if found := violations("eks", model.name, self.parameters[model.name]):
            raise AssertionError(sentence(found))
        try:
            answer = getattr(self, xform_name(model.name))(**self.parameters[model.name])
        except RefusedError as refused:
            return refusal(str(refused), model)
        report = ParamValidator().validate(answer, model.output_shape)
        assert not report.has_errors(), report.generate_report()
        return http(200), {**answer, "ResponseMetadata": {"HTTPStatusCode": 200, "RequestId": "0"}}

    def create_cluster(self, *, name: str, resourcesVpcConfig: Values, **given: Any) -> Values:
        if name in self.clusters:
            raise RefusedError("ResourceInUseException")
        self.clusters[name] = {
            "name": name,
            "arn": f"arn:aws:eks:{REGION}:123456789012:cluster/{name}",
            "endpoint": "https://example.eks.invalid",
            "version": given.pop("version", "1.33"),
            "status": "CREATING",
            "createdAt": NOW,
            "kubernetesNetworkConfig": {
                "serviceIpv4Cidr": "10.100.0.0/16",
                "ipFamily": "ipv4",
                **given.pop("kubernetesNetworkConfig", {}),
            },
            "resourcesVpcConfig": {
                "vpcId": self.vpc_id,
                "clusterSecurityGroupId": "sg-0123456789abcdef0",
                "publicAccessCidrs": [],
                **resourcesVpcConfig,
            },
            **{key: value for key, value in given.items() if key != "bootstrapSelfManagedAddons"},
        }
        return {"cluster": self.clusters[name]}

    def describe_cluster_versions(self, *, clusterVersions: list[str] | None = None, **_: Any) -> Values:
        """1.32 is in extended support."""
        offered = [
            {
                "clusterVersion": version,
                "versionStatus": "EXTENDED_SUPPORT" if version == "1.32" else "STANDARD_SUPPORT",
                "endOfStandardSupportDate": NOW + days * DAY,
            }
            for version, days in (("1.32", -30), ("1.33", 30), ("1.34", 150), ("1.35", 270), ("1.36", 390))
        ]
        return {
            "clusterVersions": [
                each for each in offered if not clusterVersions or each["clusterVersion"] in clusterVersions
            ]
        }

    def update_cluster_version(self, *, name: str, version: str, **_: Any) -> Values:
        cluster = self._known(self.clusters, name)
        if cluster["status"] != "ACTIVE":
            raise RefusedError("ResourceInUseException")
        if int(version[2:]) != int(cluster["version"][2:]) + 1:
            raise RefusedError("InvalidParameterException")
        cluster["status"] = "UPDATING"
        made = {"type": "VersionUpdate", "status": "InProgress", "version": version, "createdAt": self.now}
        self.updates[f"update-{len(self.updates)}"] = made
        return {"update": {"id": list(self.updates)[-1], "status": "InProgress"}}

    def list_updates(self, *, name: str, addonName: str | None = None, **_: Any) -> Values:
        self._known(self.clusters, name)
        return {"updateIds": [key for key, each in self.updates.items() if each.get("addon") == addonName]}

    def describe_update(self, *, name: str, updateId: str, addonName: str | None = None) -> Values:
        self._known(self.clusters, name)
        update = {"errors": [], **self._known(self.updates, updateId)}
        assert update.pop("addon", None) == addonName
        update.pop("version", None)
        return {"update": {"id": updateId, **update}}

    def list_insights(self, *, clusterName: str, filter: Values, **_: Any) -> Values:
        """Those that stand in the way of the next version; nobody asks for others."""
        self._known(self.clusters, clusterName)
        assert filter["categories"] == ["UPGRADE_READINESS"]
        assert filter["statuses"] == ["ERROR"]
        wanted = filter["kubernetesVersions"]
        found = [{"id": key, **each} for key, each in self.insights.items() if each["kubernetesVersion"] in wanted]
        return {"insights": [{k: v for k, v in each.items() if k in ("id", "name")} for each in found]}

    def describe_insight(self, *, clusterName: str, id: str) -> Values:
        self._known(self.clusters, clusterName)
        return {"insight": {"id": id, **self._known(self.insights, id)}}

    def describe_addon_versions(self, *, addonName: str, kubernetesVersion: str, **_: Any) -> Values:
        """Of 1.34: v1.12.4 is the default, v1.13.0 works too."""
        versions = (f"v1.13.0-eksbuild.{kubernetesVersion[2:]}", f"v1.12.4-eksbuild.{kubernetesVersion[2:]}")
        offered = [
            {
                "addonVersion": version,
                "compatibilities": [{"clusterVersion": kubernetesVersion, "defaultVersion": version == versions[1]}],
            }
            for version in versions
        ]
        return {"addons": [{"addonName": addonName, "addonVersions": offered}]}

    def list_clusters(self, **_: Any) -> Values:
        return {"clusters": list(self.clusters)}

    def describe_cluster(self, *, name: str) -> Values:
        return {"cluster": self._known(self.clusters, name)}

    def delete_cluster(self, *, name: str) -> Values:
        cluster = self._known(self.clusters, name)
        if cluster["status"] in ("CREATING", "UPDATING") or self.fargate_profiles or self.nodegroups:
            raise RefusedError("ResourceInUseException")
        cluster["status"] = "DELETING"
        return {"cluster": cluster}

    def list_nodegroups(self, *, clusterName: str, **_: Any) -> Values:
        self._known(self.clusters, clusterName)
        return {"nodegroups": self.nodegroups}

    def update_cluster_config(self, *, name: str, **changes: Any) -> Values:
        cluster = self._known(self.clusters, name)
        if cluster["status"] != "ACTIVE":
            raise RefusedError("ResourceInUseException")
        cluster["resourcesVpcConfig"].update(changes.get("resourcesVpcConfig", {}))
        cluster.update({key: value for key, value in changes.items() if key in CHANGED_WHOLE})
        cluster["status"] = "UPDATING"
        return {"update": {"id": "1", "status": "InProgress"}}

    def create_access_entry(self, *, clusterName: str, principalArn: str, tags: Values, **given: Any) -> Values:
        self._known(self.clusters, clusterName)
        if principalArn in self.access_entries:
            raise RefusedError("ResourceInUseException")
        self.access_entries[principalArn] = {
            "principalArn": principalArn,
            "accessEntryArn": f"arn:aws:eks:{REGION}:123456789012:access-entry/{clusterName}/{principalArn[13:]}",
            "tags": tags,
            "type": given["type"],
            "createdAt": self.now,
        }
        self.policies[principalArn] = []
        return {"accessEntry": self.access_entries[principalArn]}

    def describe_access_entry(self, *, clusterName: str, principalArn: str) -> Values:
        self._known(self.clusters, clusterName)
        return {"accessEntry": self._known(self.access_entries, principalArn)}

    def delete_access_entry(self, *, clusterName: str, principalArn: str) -> Values:
        self.describe_access_entry(clusterName=clusterName, principalArn=principalArn)
        del self.access_entries[principalArn], self.policies[principalArn]
        return {}

    def list_access_entries(self, *, clusterName: str, **_: Any) -> Values:
        self._known(self.clusters, clusterName)
        return {"accessEntries": list(self.access_entries)}

    def associate_access_policy(
        self, *, clusterName: str, principalArn: str, policyArn: str, accessScope: Values
    ) -> Values:
        self.describe_access_entry(clusterName=clusterName, principalArn=principalArn)
        self.policies[principalArn].append({"policyArn": policyArn, "accessScope": accessScope})
        return {"clusterName": clusterName, "principalArn": principalArn}

    def list_associated_access_policies(self, *, clusterName: str, principalArn: str) -> Values:
        self.describe_access_entry(clusterName=clusterName, principalArn=principalArn)
        return {"associatedAccessPolicies": self.policies[principalArn]}

    def create_fargate_profile(self, *, clusterName: str, fargateProfileName: str, **given: Any) -> Values:
        self._known(self.clusters, clusterName)
        busy = any(profile["status"] in ("CREATING", "DELETING") for profile in self.fargate_profiles.values())
        if busy or fargateProfileName in self.fargate_profiles:
            raise RefusedError("ResourceInUseException")
        given.pop("clientRequestToken")
        if given["podExecutionRoleArn"] not in self.access_entries:
            role_arn = given["podExecutionRoleArn"]
            self.create_access_entry(clusterName=clusterName, principalArn=role_arn, tags={}, type="FARGATE_LINUX")
        self.fargate_profiles[fargateProfileName] = {
            "fargateProfileName": fargateProfileName,
            "fargateProfileArn": f"arn:aws:eks:{REGION}:123456789012:fargateprofile/{clusterName}/{fargateProfileName}",
            "clusterName": clusterName,
            "status": "CREATING",
            "createdAt": NOW,
            **given,
        }
        return {"fargateProfile": self.fargate_profiles[fargateProfileName]}

    def describe_fargate_profile(self, *, clusterName: str, fargateProfileName: str) -> Values:
        self._known(self.clusters, clusterName)
        return {"fargateProfile": self._known(self.fargate_profiles, fargateProfileName)}

    def list_fargate_profiles(self, *, clusterName: str, **_: Any) -> Values:
        self._known(self.clusters, clusterName)
        return {"fargateProfileNames": list(self.fargate_profiles)}

    def delete_fargate_profile(self, *, clusterName: str, fargateProfileName: str) -> Values:
        self._known(self.clusters, clusterName)
        profile = self._known(self.fargate_profiles, fargateProfileName)
        if any(each["status"] in ("CREATING", "DELETING") for each in self.fargate_profiles.values()):
            raise RefusedError("ResourceInUseException")
        profile["status"] = "DELETING"
        return {"fargateProfile": profile}

    def create_addon(self, *, clusterName: str, addonName: str, **given: Any) -> Values:
        self._known(self.clusters, clusterName)
        if addonName in self.addons:
            raise RefusedError("ResourceInUseException")
        self.addons[addonName] = {
            "addonName": addonName,
            "addonArn": f"arn:aws:eks:{REGION}:123456789012:addon/{clusterName}/{addonName}",
            "clusterName": clusterName,
            "status": "CREATING",
            "createdAt": NOW,
            "modifiedAt": NOW,
            "addonVersion": f"v1.12.4-eksbuild.{self.clusters[clusterName]['version'][2:]}",
            "configurationValues": given["configurationValues"],
            "tags": given["tags"],
        }
        return {"addon": self.addons[addonName]}

    def describe_addon(self, *, clusterName: str, addonName: str) -> Values:
        self._known(self.clusters, clusterName)
        return {"addon": self._known(self.addons, addonName)}

    def update_addon(
        self, *, clusterName: str, addonName: str, configurationValues: str, addonVersion: str | None = None, **_: Any
    ) -> Values:
        addon = self._known(self.addons, addonName)
        if addon["status"] not in ("ACTIVE", "DEGRADED"):
            raise RefusedError("ResourceInUseException")
        addon.update(status="UPDATING", configurationValues=configurationValues)
        addon["addonVersion"] = addonVersion or addon["addonVersion"]
        made = {"type": "AddonUpdate", "status": "Successful", "createdAt": self.now, "addon": addonName}
        self.updates[f"update-{len(self.updates)}"] = made
        return {"update": {"id": "1", "status": "InProgress"}}

    def delete_addon(self, *, clusterName: str, addonName: str) -> Values:
        self._known(self.clusters, clusterName)
        addon = self._known(self.addons, addonName)
        addon["status"] = "DELETING"
        return {"addon": addon}

    def tag_resource(self, *, resourceArn: str, tags: Values) -> Values:
        parts = (self.clusters, self.access_entries, self.fargate_profiles, self.addons)
        everything = [each for part in parts for each in part.values()]
        (found,) = [each for each in everything if resourceArn in each.values()]
        found["tags"] = {**found["tags"], **tags}
        return {}

    def _known(self, collection: Mapping[str, Values], name: str) -> Values:
        if name not in collection:
            raise RefusedError("ResourceNotFoundException")
        return collection[name]
