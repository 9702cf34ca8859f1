"""Validating webhooks: none can be asked here, since no Service of this API has anything behind it.

So one that is to fail closed refuses, as a cluster's does whose policy controller is down.
Source: k8s.io/apiserver pkg/admission/plugin/webhook; pkg/util/webhook/error.go.
"""

from typing import Any

from local.kubernetes.embedded.errors import ApiError
from local.kubernetes.embedded.resources import NAMESPACES, VALIDATING_WEBHOOKS, Resource
from local.kubernetes.embedded.selectors import matches_label_selector
from local.kubernetes.embedded.store import Store

Object = dict[str, Any]


def validate(
    store: Store, operation: str, resource: Resource, namespace: str, obj: Object, subresource: str = ""
) -> None:
    """Raises ApiError InternalError, in the words of the first webhook that has to be asked."""
    if resource is VALIDATING_WEBHOOKS:
        return
    target = f"{resource.plural}/{subresource}" if subresource else resource.plural
    for configuration in store.select(VALIDATING_WEBHOOKS, None):
        for webhook in configuration.get("webhooks") or []:
            asked = any(_rule_names(rule, operation, resource, target) for rule in webhook.get("rules") or [])
            if asked and webhook["failurePolicy"] == "Fail" and _selects(store, webhook, resource, namespace, obj):
                raise _unreachable(webhook)


def _rule_names(rule: Object, operation: str, resource: Resource, target: str) -> bool:
    return all(
        {"*", wanted} & set(rule.get(key) or [])
        for key, wanted in (
            ("operations", operation),
            ("apiGroups", resource.group),
            ("apiVersions", resource.version),
            ("resources", target),
        )
    )


def _selects(store: Store, webhook: Object, resource: Resource, namespace: str, obj: Object) -> bool:
    name = namespace if resource.namespaced else obj["metadata"]["name"] if resource is NAMESPACES else ""
    if name:
        labels = (store.get(NAMESPACES, "", name) or {"metadata": {}})["metadata"].get("labels") or {}
        if not matches_label_selector(webhook["namespaceSelector"], labels):
            return False
    return matches_label_selector(webhook["objectSelector"], obj["metadata"].get("labels") or {})


def _unreachable(webhook: Object) -> ApiError:
    config, name = webhook["clientConfig"], webhook["name"]
    if service := config.get("service"):
        host = f"https://{service['name']}.{service['namespace']}.svc:{service['port']}"
        url, why = f"{host}{service.get('path', '')}", f'service "{service["name"]}" not found'
    else:
        url = config["url"]
        why = f"dial tcp: lookup {url.partition('://')[2].partition('/')[0].partition(':')[0]}: no such host"
    failed = f'failed calling webhook "{name}": failed to call webhook'
    said = f'{failed}: Post "{url}?timeout={webhook["timeoutSeconds"]}s": {why}'
    return ApiError(500, "InternalError", f"Internal error occurred: {said}", {"causes": [{"message": said}]})
