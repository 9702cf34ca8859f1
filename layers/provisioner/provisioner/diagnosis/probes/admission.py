"""What the API server's admission holds objects against, and whom it has to ask first.

The refusal is the API server's own; a probe looks for that which it names.
"""

import re
from typing import Any, Final

from provisioner.diagnosis.live import Live
from provisioner.diagnosis.model import Finding
from provisioner.kubernetes.client import Manifest
from provisioner.resources.traffic import uncovered

KUBELET_PORT: Final = 10250
_ENFORCE: Final = "pod-security.kubernetes.io/enforce"
_QUOTA: Final = re.compile(r"(?:exceeded|failed) quota: (?P<name>[^\s,:]+)")
_LEVEL: Final = re.compile(r'violates PodSecurity "(?P<level>\w+):')
_WEBHOOK: Final = re.compile(r'(?:webhook|admission webhook) "(?P<name>[^"]+)"')


def quota(live: Live, text: str) -> Finding:
    """The ResourceQuota that the refusal names: what it allows, and what is used."""
    namespace, named = live.request.storage.namespace, _QUOTA.search(text)
    if named is None:
        return Finding.refuted(f"ResourceQuotas of namespace {namespace}", "none has refused anything")
    name = named["name"]
    looked_at = f"ResourceQuota {namespace}/{name}"
    found = next((each for each in live.objects.quotas if each["metadata"]["name"] == name), None)
    if found is None:
        return Finding.possible(looked_at, "it is not there now", the_quota=name, the_namespace=namespace)
    hard, used = found["spec"].get("hard") or {}, (found.get("status") or {}).get("used") or {}
    saw = ", ".join(f"{each}: {used.get(each, 'unknown')} of {limit} used" for each, limit in sorted(hard.items()))
    return Finding.proved(looked_at, saw, the_quota=name, the_namespace=namespace)


def limit_range(live: Live, text: str) -> Finding:
    """The namespace's LimitRanges."""
    namespace = live.request.storage.namespace
    looked_at = f"LimitRanges of namespace {namespace}"
    if not text:
        return Finding.refuted(looked_at, "none has refused anything")
    bounds = [
        f"{each['metadata']['name']} ({limit['type']}: "
        + ", ".join(f"{bound} {limit[bound]}" for bound in ("min", "max", "maxLimitRequestRatio") if bound in limit)
        + ")"
        for each in live.objects.limit_ranges
        for limit in each["spec"].get("limits") or []
        if {"min", "max", "maxLimitRequestRatio"} & limit.keys()
    ]
    names = ", ".join(each["metadata"]["name"] for each in live.objects.limit_ranges)
    if not bounds:
        return Finding.possible(looked_at, "there is none with bounds now", the_namespace=namespace)
    return Finding.proved(looked_at, ", ".join(bounds), the_limit_range=names, the_namespace=namespace)


def pod_security(live: Live, text: str) -> Finding:
    """The level that the namespace's label enforces."""
    namespace, refused = live.request.storage.namespace, _LEVEL.search(text)
    looked_at = f"label {_ENFORCE} of namespace {namespace}"
    if refused is None:
        return Finding.refuted(looked_at, "it has refused nothing")
    level = refused["level"]
    labels = ((live.objects.namespace or {}).get("metadata") or {}).get("labels") or {}
    if labels.get(_ENFORCE) != level:
        saw = f"it is {labels.get(_ENFORCE, 'not set')}; the API server may enforce {level} by its own configuration"
        return Finding.possible(looked_at, saw, the_namespace=namespace, the_level=f"the level {level}")
    return Finding.proved(looked_at, f"it is {level}", the_namespace=namespace, the_level=f"the level {level}")


def denial(live: Live, text: str) -> Finding:
    """The webhook configurations, for the one whose policy says no."""
    looked_at = "the cluster's validating webhooks"
    if not text:
        return Finding.refuted(looked_at, "none has denied anything")
    found = _webhook(live, text)
    if found is None:
        return Finding.possible(looked_at, "none of that name is there; the refusal is another policy's")
    configuration, webhook = found
    return Finding.proved(
        looked_at,
        f"{webhook['name']} of ValidatingWebhookConfiguration {configuration} is there, and has denied it",
        the_policy=f"{webhook['name']} (ValidatingWebhookConfiguration {configuration})",
    )


def webhook(live: Live, text: str) -> Finding:
    """The webhook that the API server could not ask: whether it must be asked, and whether its Service is there."""
    looked_at = "the cluster's validating webhooks and the Service of the one that is named"
    if not text:
        return Finding.refuted(looked_at, "none has failed")
    found = _webhook(live, text)
    if found is None:
        return Finding.possible(looked_at, "no validating webhook of that name is there; it may be a mutating one")
    configuration, named = found
    what = f"{named['name']} of ValidatingWebhookConfiguration {configuration}"
    ids = {"the_webhook": what}
    service = named["clientConfig"].get("service")
    if named.get("failurePolicy") != "Fail":
        return Finding.refuted(looked_at, f"{what} is not asked any more when it does not answer")
    if service is None:
        return Finding.possible(looked_at, f"{what} is outside the cluster", **ids)
    name = f"{service['namespace']}/{service['name']}"
    if not live.objects.has_service(service["namespace"], service["name"]):
        return Finding.proved(looked_at, f"{what} has to be asked, and its Service {name} does not exist", **ids)
    return Finding.possible(looked_at, f"{what} has to be asked; its Service {name} is there", **ids)


def way_to_nodes(live: Live, text: str) -> Finding:
    """Ingress of the cluster security group from itself: the control plane's interfaces and the nodes' both have it."""
    group_id = live.eks.security_group_id
    looked_at = f"ingress of the cluster security group {group_id} from itself, tcp {KUBELET_PORT}"
    if group_id is None:
        return Finding.refuted("the cluster security group", "there is no cluster security group")
    groups = live.network.security_groups([group_id])
    permissions = groups[group_id]["IpPermissions"] if group_id in groups else []
    closed = [
        subnet.cidr
        for subnet in live.network.pod_subnets
        if uncovered(subnet.cidr, permissions, KUBELET_PORT, from_group=group_id)
    ]
    if closed:
        return Finding.proved(looked_at, f"it admits neither itself nor {', '.join(closed)}", the_group=group_id)
    if text:
        return Finding.possible(looked_at, "it is open; what else stands between them cannot be seen here")
    return Finding.refuted(looked_at, "it is open")


def _webhook(live: Live, text: str) -> tuple[str, Manifest] | None:
    named = _WEBHOOK.search(text)
    return next(
        (
            (configuration["metadata"]["name"], _as_manifest(each))
            for configuration in live.objects.validating_webhooks
            for each in configuration.get("webhooks") or []
            if named and each["name"] == named["name"]
        ),
        None,
    )


def _as_manifest(value: Any) -> Manifest:
    manifest: Manifest = value
    return manifest
