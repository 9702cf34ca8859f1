"""What admission refuses, in the very words: quotas, limit ranges, Pod Security, webhooks that do not answer.

Here messages are compared too: they are all that tells one 403 from another.
"""

from __future__ import annotations

import time
from typing import Any

from tests.kubernetes.differential import MERGE, Conversation, case
from tests.kubernetes.manifests import NAMESPACED, PATHS, changed, manifest, pod_spec, webhook

PATIENCE_SECONDS = 300.0
PODS, QUOTAS = NAMESPACED["Pod"], NAMESPACED["ResourceQuota"]
ENFORCE = "pod-security.kubernetes.io/enforce"
FREE: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def pod(api: Conversation, name: str, **spec: Any) -> dict[str, Any]:
    return {**manifest("Pod", name, api.name), "spec": {**pod_spec(), **spec}}


def with_container(**fields: Any) -> dict[str, Any]:
    (container,) = pod_spec()["containers"]
    return {"containers": [{**container, **fields}]}


def told(api: Conversation, method: str, path: str, body: Any, **options: Any) -> Any:
    """Sends, and has the message compared."""
    answer = api.send(method, path, body, **options)
    api.note(f"{method} {path} says", answer.get("message") if answer.get("kind") == "Status" else None)
    return answer


def quota(api: Conversation, name: str, hard: dict[str, str], used: dict[str, str] | None = None) -> None:
    """A quota with the status that the controller, which does not run here, would give it."""
    made = {**manifest("ResourceQuota", name, api.name), "spec": {"hard": hard}}
    api.send("POST", QUOTAS, made)
    if used is not None:
        api.send("PATCH", f"{QUOTAS}/{name}/status", {"status": {"hard": hard, "used": used}}, content_type=MERGE)


def used(api: Conversation, name: str) -> None:
    """Of a quota the status alone: admission writes it without a field manager, which is not kept up here."""
    answer = api.send("GET", f"{QUOTAS}/{name}")
    del api.exchanges[-2:]
    api.note(f"GET {QUOTAS}/{name}: status", answer["status"])


def until(api: Conversation, code: int, path: str, body: Any, saying: str = "") -> None:
    """Sends on trial until the answer is `code`: an API server learns of webhooks, quotas and limits a moment later."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        answer = api.send("POST", f"{path}?dryRun=All", body)
        del api.exchanges[-2:]
        if answer.get("code", 201) == code and saying in answer.get("message", ""):
            return
        assert time.monotonic() < deadline, f"{path} never answered {code}: {answer}"
        time.sleep(0.05)


@case("a quota without a status holds nothing back, one with limits wants them said, one that is used up is exceeded")
def quotas(api: Conversation) -> None:
    quota(api, "q", {"limits.cpu": "1", "limits.memory": "1Gi", "pods": "2"})
    told(api, "POST", PODS, pod(api, "before"))
    quota(api, "r", {"limits.cpu": "1", "limits.memory": "1Gi"}, {"limits.cpu": "250m", "limits.memory": "0"})
    until(api, 403, PODS, pod(api, "p"))
    told(api, "POST", PODS, pod(api, "p"))
    resources = {"limits": {"cpu": "500m", "memory": "512Mi"}}
    told(api, "POST", PODS, pod(api, "q", **with_container(resources=resources)))
    assert told(api, "POST", PODS, pod(api, "r", **with_container(resources=resources)))["code"] == 403
    told(api, "POST", f"{PODS}?dryRun=All", pod(api, "s", **with_container(resources={"limits": {"cpu": "2"}})))
    used(api, "r")
    told(api, "POST", NAMESPACED["Deployment"], manifest("Deployment", "d", api.name))


@case("a quota counts pods, claims and what they ask for")
def counts(api: Conversation) -> None:
    claims = NAMESPACED["PersistentVolumeClaim"]
    quota(api, "pods", {"pods": "1"}, {"pods": "1"})
    quota(
        api,
        "claims",
        {"requests.storage": "8Gi", "persistentvolumeclaims": "3"},
        {"requests.storage": "4Gi", "persistentvolumeclaims": "1"},
    )
    until(api, 403, PODS, pod(api, "p"), "exceeded quota: pods")
    told(api, "POST", PODS, pod(api, "p"))
    claim = manifest("PersistentVolumeClaim", "c", api.name)
    until(api, 403, claims, claim, "exceeded quota: claims")
    told(api, "POST", claims, claim)
    told(
        api,
        "POST",
        claims,
        changed(manifest("PersistentVolumeClaim", "d", api.name), "spec.resources.requests.storage", "3Gi"),
    )
    used(api, "claims")
    quota(api, "half", {"pods": "5", "count/pods": "5"}, {"pods": "0"})
    until(api, 403, PODS, pod(api, "r"), "half")
    told(api, "POST", PODS, pod(api, "r"))


@case("a limit range fills in what a pod leaves out, and refuses what asks for too much or too little")
def limit_ranges(api: Conversation) -> None:
    path = NAMESPACED["LimitRange"]
    told(api, "POST", path, manifest("LimitRange", "l", api.name))
    api.send("GET", f"{path}/l")
    told(api, "POST", PODS, pod(api, "filled"))
    api.send("GET", f"{PODS}/filled")
    told(api, "POST", PODS, pod(api, "large", **with_container(resources={"limits": {"memory": "2Gi"}})))
    least = {"type": "Container", "min": {"memory": "300Mi"}}
    told(api, "POST", path, {**manifest("LimitRange", "m", api.name), "spec": {"limits": [least]}})
    small = pod(api, "small", **with_container(resources={"requests": {"memory": "256Mi"}}))
    until(api, 403, PODS, small)
    told(api, "POST", PODS, small)
    whole = {"type": "Pod", "max": {"cpu": "100m"}}
    told(api, "POST", path, {**manifest("LimitRange", "n", api.name), "spec": {"limits": [whole]}})
    busy = pod(api, "busy", **with_container(resources={"limits": {"cpu": "200m"}}))
    alone = pod(api, "alone", **with_container(resources={"limits": {"cpu": "200m", "memory": "512Mi"}}))
    until(api, 403, PODS, alone)  # which no other limit refuses
    told(api, "POST", PODS, busy)
    claims = {"type": "PersistentVolumeClaim", "max": {"storage": "1Gi"}}
    told(api, "POST", path, {**manifest("LimitRange", "o", api.name), "spec": {"limits": [claims]}})
    claim = manifest("PersistentVolumeClaim", "c", api.name)
    until(api, 403, NAMESPACED["PersistentVolumeClaim"], claim)
    told(api, "POST", NAMESPACED["PersistentVolumeClaim"], claim)


@case("a namespace that enforces Pod Security refuses pods that ask for more than its level gives")
def pod_security(api: Conversation) -> None:
    bad: dict[str, dict[str, Any]] = {
        "plain": {},
        "host": {"hostNetwork": True, "hostPID": True},
        "privileged": with_container(securityContext={"privileged": True}),
        "ports": with_container(ports=[{"containerPort": 80, "hostPort": 80}, {"containerPort": 9, "hostPort": 9}]),
        "adding": with_container(securityContext={"capabilities": {"add": ["SYS_ADMIN", "CHOWN"]}}),
        "unconfined": {"securityContext": {"seccompProfile": {"type": "Unconfined"}}},
        "path": {**with_container(volumeMounts=[]), "volumes": [{"name": "v", "hostPath": {"path": "/"}}]},
        "root": {"securityContext": {"runAsUser": 0, "runAsNonRoot": False}, **with_container(securityContext=FREE)},
        "almost": with_container(securityContext={**FREE, "runAsNonRoot": None}),
        "free": with_container(securityContext=FREE),
        "two": {"containers": [*pod_spec()["containers"], *with_container(name="reader")["containers"]]},
    }
    for level in ("restricted", "baseline", "privileged"):
        api.send("PATCH", "/api/v1/namespaces/{name}", {"metadata": {"labels": {ENFORCE: level}}}, content_type=MERGE)
        for name, spec in bad.items():
            told(api, "POST", f"{PODS}?dryRun=All", pod(api, name, **spec))
    api.send(
        "PATCH", "/api/v1/namespaces/{name}", {"metadata": {"labels": {ENFORCE: "restricted"}}}, content_type=MERGE
    )
    told(api, "POST", PODS, pod(api, "free", **bad["free"]))
    assert told(api, "POST", PODS, pod(api, "plain"))["code"] == 403
    told(api, "POST", NAMESPACED["Deployment"], manifest("Deployment", "d", api.name))


@case("a validating webhook that cannot be asked refuses what it was to judge, unless it is to be ignored then")
def webhooks(api: Conversation) -> None:
    path, name = PATHS["ValidatingWebhookConfiguration"], api.name
    told(api, "POST", PODS, changed(pod(api, "before"), "metadata.labels", {"asked": name}))
    told(api, "POST", path, manifest("ValidatingWebhookConfiguration", name, ""))
    api.send("GET", f"{path}/{name}")
    labelled = changed(pod(api, "p"), "metadata.labels", {"asked": name})
    until(api, 500, PODS, labelled)
    assert told(api, "POST", PODS, labelled)["code"] == 500
    told(api, "POST", PODS, pod(api, "unasked"))
    told(api, "PATCH", f"{PODS}/before", {"metadata": {"labels": {"a": "b"}}}, content_type=MERGE)
    told(api, "DELETE", f"{PODS}/before", None)
    ignored = {"webhooks": [webhook(name, failurePolicy="Ignore")]}
    told(api, "PATCH", f"{path}/{name}", ignored, content_type=MERGE)
    until(api, 201, PODS, labelled)
    told(api, "POST", PODS, labelled)
    creating = [{"operations": ["CREATE"], "apiGroups": ["apps"], "apiVersions": ["*"], "resources": ["*"]}]
    elsewhere = {"matchLabels": {"kubernetes.io/metadata.name": "elsewhere"}}
    here = {"matchLabels": {"kubernetes.io/metadata.name": name}}
    deployment = manifest("Deployment", "d", name)
    for code, selector in ((500, here), (201, elsewhere)):
        asked = webhook(name, rules=creating, objectSelector={}, namespaceSelector=selector)
        told(api, "PATCH", f"{path}/{name}", {"webhooks": [asked]}, content_type=MERGE)
        until(api, code, NAMESPACED["Deployment"], deployment)
        told(api, "POST", NAMESPACED["Deployment"], deployment)
    told(api, "DELETE", f"{path}/{name}", None)
