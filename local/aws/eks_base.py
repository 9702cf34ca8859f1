"""What the parts of the embedded EKS share: looking things up, and doing things later under the lock."""

import re
from collections.abc import Callable
from typing import Any, ClassVar
from urllib.parse import unquote

from moto.core.common_types import TYPE_RESPONSE
from moto.eks.responses import EKSResponse

from local.aws.eks_state import LOCK, AccessEntry, Cluster, clusters_of
from local.aws.interfaces import Cloud
from local.aws.refusals import refusal

NAME = re.compile(r"[0-9A-Za-z][A-Za-z0-9_-]{0,99}")


class EksOperations(EKSResponse):
    """One EKS call at a time: each of its checks and its effect are one."""

    cloud: ClassVar[Cloud]

    def call_action(self) -> TYPE_RESPONSE:
        with LOCK:
            return super().call_action()

    def get_region_from_url(self, request: Any, full_url: str) -> str:
        """By the host alone: a principal's path may contain `.amazonaws.com` too, as an Identity Center role's does."""
        scheme, _, host, _ = full_url.split("/", 3)
        return super().get_region_from_url(request, f"{scheme}//{host}/")

    @property
    def clusters(self) -> dict[str, Cluster]:
        return clusters_of(self.current_account, self.region)

    def parameter(self, name: str, default: Any = None) -> Any:
        """A parameter from path, query or body; path parameters arrive percent-encoded."""
        value = self._get_param(name)
        if value is None:
            return default
        return unquote(value) if isinstance(value, str) and self.uri_match.get(name) == value else value

    def find_cluster(self) -> Cluster | None:
        return self.clusters.get(self.parameter("name") or self.parameter("clusterName"))

    def cluster(self) -> Cluster:
        found = self.find_cluster()
        if found is None:
            name = self.parameter("name") or self.parameter("clusterName")
            raise refusal("ResourceNotFoundException", f"No cluster found for name: {name}.", clusterName=name)
        return found

    def active_cluster(self) -> Cluster:
        """The cluster, which must be usable. An update under way does not keep it from being used."""
        cluster = self.cluster()
        if cluster.status not in ("ACTIVE", "UPDATING"):
            raise refusal(
                "InvalidRequestException", f"Cluster '{cluster.name}' is not in ACTIVE status", clusterName=cluster.name
            )
        return cluster

    def later(self, what: str, action: Callable[[], None]) -> None:
        def locked() -> None:
            with LOCK:
                action()

        self.cloud.clock.later(what, locked)

    def page(self, names: list[str], member: str) -> dict[str, Any]:
        """One page of a list call, in order."""
        limit = int(self.parameter("maxResults", 100))
        start = self.parameter("nextToken")
        if start and start not in names:
            raise refusal("InvalidParameterException", "Invalid nextToken")
        ordered = sorted(names)
        first = ordered.index(start) if start else 0
        rest = ordered[first + limit :]
        return {member: ordered[first : first + limit]} | ({"nextToken": rest[0]} if rest else {})

    def tags_parameter(self) -> dict[str, str]:
        tags: dict[str, str] = self.parameter("tags", {})
        if any(key.lower().startswith("aws:") for key in tags):
            raise refusal("InvalidParameterException", "Invalid tags: none may have the prefix aws:")
        return dict(tags)

    def grant(self, cluster: Cluster, entry: AccessEntry) -> None:
        """Adds an entry; authentication learns of it a little later."""
        cluster.access_entries[entry.principal_arn] = entry
        self.spread(cluster, entry.principal_arn)

    def spread(self, cluster: Cluster, principal_arn: str) -> None:
        """Lets what an entry says by then take effect."""

        def take_effect() -> None:
            entry = cluster.access_entries.get(principal_arn)
            if entry is None:
                cluster.effective_entries.pop(principal_arn, None)
            else:
                cluster.effective_entries[principal_arn] = _snapshot(entry)

        self.later("access entry", take_effect)


def _snapshot(entry: AccessEntry) -> AccessEntry:
    copy = AccessEntry(**{name: value for name, value in vars(entry).items() if name != "policies"})
    copy.kubernetes_groups = list(entry.kubernetes_groups)
    copy.policies = dict(entry.policies)
    return copy
