"""The kinds this API serves: one table that discovery, routing, storage and authorization read."""

from dataclasses import dataclass
from functools import cached_property

from local.kubernetes.embedded.schema import Schema, schema_of

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True)
class Resource:
    group: str
    plural: str
    kind: str
    namespaced: bool
    short_names: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    has_generation: bool = False
    version: str = "v1"

    @property
    def group_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """The name messages use: deployments.apps."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def has_own_status(self) -> bool:
        """Status is written through its subresource only."""
        return "status" in self.subresources

    @cached_property
    def schema(self) -> Schema:
        package = self.group.partition(".")[0] or "core"
        return schema_of(f"io.k8s.api.{package}.{self.version}.{self.kind}")


NAMESPACES = Resource("", "namespaces", "Namespace", False, ("ns",), ("status",))
NODES = Resource("", "nodes", "Node", False, ("no",), ("status",))
PODS = Resource("", "pods", "Pod", True, ("po",), ("status", "log", "exec", "binding"), ("all",), has_generation=True)
PERSISTENT_VOLUMES = Resource("", "persistentvolumes", "PersistentVolume", False, ("pv",), ("status",))
PERSISTENT_VOLUME_CLAIMS = Resource("", "persistentvolumeclaims", "PersistentVolumeClaim", True, ("pvc",), ("status",))
EVENTS = Resource("", "events", "Event", True, ("ev",))
CONFIG_MAPS = Resource("", "configmaps", "ConfigMap", True, ("cm",))
SERVICE_ACCOUNTS = Resource("", "serviceaccounts", "ServiceAccount", True, ("sa",))
SERVICES = Resource("", "services", "Service", True, ("svc",), ("status",), ("all",))
RESOURCE_QUOTAS = Resource("", "resourcequotas", "ResourceQuota", True, ("quota",), ("status",))
LIMIT_RANGES = Resource("", "limitranges", "LimitRange", True, ("limits",))
STORAGE_CLASSES = Resource("storage.k8s.io", "storageclasses", "StorageClass", False, ("sc",))
CSI_DRIVERS = Resource("storage.k8s.io", "csidrivers", "CSIDriver", False)
DEPLOYMENTS = Resource("apps", "deployments", "Deployment", True, ("deploy",), ("scale", "status"), ("all",), True)
REPLICA_SETS = Resource("apps", "replicasets", "ReplicaSet", True, ("rs",), ("scale", "status"), ("all",), True)
VALIDATING_WEBHOOKS = Resource(
    "admissionregistration.k8s.io",
    "validatingwebhookconfigurations",
    "ValidatingWebhookConfiguration",
    False,
    has_generation=True,
)
ACCESS_REVIEWS = Resource("authorization.k8s.io", "selfsubjectaccessreviews", "SelfSubjectAccessReview", False)

STORED = (
    NAMESPACES,
    NODES,
    PODS,
    PERSISTENT_VOLUMES,
    PERSISTENT_VOLUME_CLAIMS,
    EVENTS,
    CONFIG_MAPS,
    SERVICE_ACCOUNTS,
    SERVICES,
    RESOURCE_QUOTAS,
    LIMIT_RANGES,
    STORAGE_CLASSES,
    CSI_DRIVERS,
    DEPLOYMENTS,
    REPLICA_SETS,
    VALIDATING_WEBHOOKS,
)
GROUPS = ("", "apps", "storage.k8s.io", "authorization.k8s.io", "admissionregistration.k8s.io")
BY_PATH = {(resource.group, resource.version, resource.plural): resource for resource in (*STORED, ACCESS_REVIEWS)}
