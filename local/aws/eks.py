"""EKS with lifecycles, access entries and add-ons, and a Kubernetes API per cluster; in place of moto's.

Only what a cluster on Fargate needs: node groups are there to be in the way, and have no nodes.
"""

import moto.eks.urls as eks_urls
from moto.core.responses import ActionResult, EmptyResult

from local.aws import eks_logs
from local.aws.eks_access import AccessOperations
from local.aws.eks_addons import AddonOperations
from local.aws.eks_base import EksOperations
from local.aws.eks_clusters import ClusterOperations
from local.aws.eks_insights import InsightOperations
from local.aws.eks_nodegroups import NodegroupOperations
from local.aws.eks_offers import OfferOperations
from local.aws.eks_profiles import ProfileOperations
from local.aws.eks_state import AccessEntry, Addon, Cluster, FargateProfile, Nodegroup
from local.aws.eks_upgrades import UpgradeOperations
from local.aws.eks_versions import VersionOperations
from local.aws.interfaces import Cloud
from local.aws.refusals import refusal

Resource = Cluster | FargateProfile | Nodegroup | Addon | AccessEntry


def install(cloud: Cloud) -> None:
    """Routes every EKS call to StrictEks: moto's own table has no paths for entries, add-ons and updates."""
    EksOperations.cloud = cloud
    eks_logs.install(cloud)
    eks_urls.url_paths = dict.fromkeys(eks_urls.url_paths, StrictEks.dispatch) | {"{0}/.*$": StrictEks.dispatch}


class StrictEks(
    ClusterOperations,
    VersionOperations,
    UpgradeOperations,
    InsightOperations,
    AccessOperations,
    ProfileOperations,
    NodegroupOperations,
    AddonOperations,
    OfferOperations,
):
    """Every EKS operation of the embedded cloud."""

    def tag_resource(self) -> ActionResult:
        self._tagged().tags.update(self.tags_parameter())
        return EmptyResult()

    def untag_resource(self) -> ActionResult:
        keys = self.querystring.get("tagKeys", [])
        tags = self._tagged().tags
        for key in keys:
            tags.pop(key, None)
        return EmptyResult()

    def list_tags_for_resource(self) -> ActionResult:
        return ActionResult({"tags": self._tagged().tags})

    def _tagged(self) -> Resource:
        arn = self._extract_arn_from_path()
        for resource in (each for cluster in self.clusters.values() for each in resources_of(cluster)):
            if resource.arn == arn:
                return resource
        raise refusal("NotFoundException", f"Resource {arn} was not found")


def resources_of(cluster: Cluster) -> list[Resource]:
    """The cluster and everything of it that has an ARN and tags."""
    return [
        cluster,
        *cluster.profiles.values(),
        *cluster.nodegroups.values(),
        *cluster.addons.values(),
        *cluster.access_entries.values(),
    ]
