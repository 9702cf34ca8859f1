"""What kube-apiserver asks of a new object beyond its shape, in the order of its own plugins.

LimitRanger completes pods; then LimitRanger, PodSecurity, validating webhooks and ResourceQuota may refuse.
Source: k8s.io/kubernetes pkg/kubeapiserver/options/plugins.go (AllOrderedPlugins).
"""

from local.kubernetes.embedded.admission import limit_ranges, pod_security, quotas, webhooks
from local.kubernetes.embedded.resources import Resource
from local.kubernetes.embedded.store import Object, Store


def complete(store: Store, resource: Resource, namespace: str, obj: Object) -> None:
    """Fills in the defaults that the namespace has for a new pod."""
    limit_ranges.complete(store, resource, namespace, obj)


def validate_new(store: Store, resource: Resource, namespace: str, obj: Object, *, dry_run: bool) -> None:
    """Raises ApiError: Forbidden, or InternalError where a webhook cannot be asked."""
    limit_ranges.validate(store, resource, namespace, obj)
    pod_security.validate(store, resource, namespace, obj)
    webhooks.validate(store, "CREATE", resource, namespace, obj)
    quotas.charge(store, resource, namespace, obj, dry_run=dry_run)


def validate_change(store: Store, resource: Resource, namespace: str, obj: Object, subresource: str) -> None:
    """Raises ApiError InternalError where a webhook cannot be asked."""
    webhooks.validate(store, "UPDATE", resource, namespace, obj, subresource)


def validate_removal(store: Store, resource: Resource, namespace: str, obj: Object) -> None:
    """Raises ApiError InternalError where a webhook cannot be asked."""
    webhooks.validate(store, "DELETE", resource, namespace, obj)


__all__ = ["complete", "validate_change", "validate_new", "validate_removal"]
