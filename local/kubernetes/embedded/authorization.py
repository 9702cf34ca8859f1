"""Who may do what: the groups of an access entry's policies, as rules over our kinds.

Source: EKS guide, "Review access policy permissions"; kube-apiserver's RBAC message format.
"""

from dataclasses import dataclass

from local.kubernetes.embedded.errors import ApiError, forbidden
from local.kubernetes.embedded.request_info import RequestInfo
from local.kubernetes.interfaces import ACCESS_POLICY_GROUP_PREFIX, KubernetesUser

_READ = frozenset({"get", "list", "watch"})
_CHANGE = frozenset({"create", "update", "patch", "delete", "deletecollection"})
_ALL_SEEING = {f"{ACCESS_POLICY_GROUP_PREFIX}AmazonEKSAdminViewPolicy"}
_ALL_POWERFUL = {"system:masters", f"{ACCESS_POLICY_GROUP_PREFIX}AmazonEKSClusterAdminPolicy"}
_WORKLOADS = (
    *("pods", "configmaps", "serviceaccounts", "services", "persistentvolumeclaims", "deployments", "replicasets"),
)
_SCALES = ("deployments/scale", "replicasets/scale")
_BOUNDS = ("limitranges", "resourcequotas", "resourcequotas/status")
_DISCOVERY = ("/api", "/apis", "/openapi", "/version", "/healthz", "/livez", "/readyz")
ANONYMOUS_PATHS = ("/version", "/healthz", "/livez", "/readyz")


@dataclass(frozen=True)
class Rule:
    verbs: frozenset[str]
    resources: tuple[str, ...]


_VIEW = (
    Rule(
        _READ,
        (*_WORKLOADS, "pods/log", "pods/status", "deployments/status", *_SCALES, "events", "namespaces", *_BOUNDS),
    ),
)
_EDIT = (
    *_VIEW,
    Rule(_CHANGE, (*_WORKLOADS, *_SCALES, "events")),
    Rule(_READ | {"create"}, ("pods/exec",)),
)
RULES = {
    f"{ACCESS_POLICY_GROUP_PREFIX}AmazonEKSViewPolicy": _VIEW,
    f"{ACCESS_POLICY_GROUP_PREFIX}AmazonEKSEditPolicy": _EDIT,
    f"{ACCESS_POLICY_GROUP_PREFIX}AmazonEKSAdminPolicy": _EDIT,
    "system:authenticated": (Rule(frozenset({"create"}), ("selfsubjectaccessreviews",)),),
}


def allowed(user: KubernetesUser, verb: str, group: str, target: str) -> bool:
    if _ALL_POWERFUL & set(user.groups):
        return True
    if _ALL_SEEING & set(user.groups) and verb in _READ:
        return True
    rules = [rule for name in user.groups for rule in RULES.get(name, ())]
    return any(verb in rule.verbs and target in rule.resources for rule in rules)


def authorize(user: KubernetesUser, verb: str, wanted: RequestInfo) -> None:
    """Raises ApiError Forbidden."""
    if allowed(user, verb, wanted.resource.group, wanted.target):
        return
    where = f'in the namespace "{wanted.namespace}"' if wanted.namespace else "at the cluster scope"
    asked = f'cannot {verb} resource "{wanted.target}" in API group "{wanted.resource.group}" {where}'
    raise forbidden(wanted.resource, wanted.name, f'User "{user.username}" {asked}')


def allowed_path(user: KubernetesUser, path: str) -> bool:
    """Discovery is open to everyone who is known."""
    open_to_all = any(path == one or path.startswith(f"{one}/") for one in _DISCOVERY)
    return open_to_all or bool(_ALL_POWERFUL & set(user.groups))


def authorize_path(user: KubernetesUser, verb: str, path: str) -> None:
    """Raises ApiError Forbidden."""
    if not allowed_path(user, path):
        raise ApiError(403, "Forbidden", f'forbidden: User "{user.username}" cannot {verb} path "{path}"', {})
