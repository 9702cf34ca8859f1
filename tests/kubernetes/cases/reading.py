"""Label and field selectors, pages, and watches."""

from __future__ import annotations

from urllib.parse import quote

from tests.kubernetes.differential import MERGE, Conversation, case
from tests.kubernetes.manifests import NAMESPACED, changed, manifest

PODS = NAMESPACED["Pod"]
EVENTS = NAMESPACED["Event"]

LABEL_SELECTORS = [
    "run=1", "run==1", "run!=1", "run", "!run", "run in (1,2)", "run notin (1)", "run=1,role=writer",
    "role=reader,!run",
    "run=", "run>1", "run in (", "run=a b", "=1", "run in ()", "a b", "run=1,", "bad_key!/x=1", "run in (1,2),role",
]  # fmt: skip
FIELD_SELECTORS = [
    "metadata.name=a", "metadata.name!=a", "metadata.namespace=nowhere", "status.phase=Pending",
    "status.phase!=Pending",
    "spec.nodeName=", "spec.nodeName=x", "spec.restartPolicy=Always", "spec.schedulerName=default-scheduler",
    "metadata.labels=x", "spec.colour=blue", "metadata.name", "metadata.name=a,status.phase=Pending", "a>b",
]  # fmt: skip


def _three_pods(api: Conversation) -> None:
    labels = {"a": {"run": "1", "role": "writer"}, "b": {"run": "2", "role": "writer"}, "c": {"role": "reader"}}
    for name, each in labels.items():
        api.send("POST", PODS, changed(manifest("Pod", name, api.name), "metadata.labels", each))


@case("label selectors, good and malformed, choose the same pods")
def label_selectors(api: Conversation) -> None:
    _three_pods(api)
    for selector in LABEL_SELECTORS:
        api.send("GET", f"{PODS}?labelSelector={quote(selector)}")


@case("field selectors, good and malformed, choose the same pods")
def field_selectors(api: Conversation) -> None:
    _three_pods(api)
    for selector in FIELD_SELECTORS:
        api.send("GET", f"{PODS}?fieldSelector={quote(selector)}")


@case("events are chosen by the object they involve")
def event_selectors(api: Conversation) -> None:
    for name in ("a", "b"):
        event = changed(manifest("Event", name, api.name), "involvedObject.uid", f"uid-{name}")
        api.send("POST", EVENTS, event)
    for selector in (
        "involvedObject.uid=uid-a",
        "involvedObject.name=b",
        "reason=FailedMount",
        "type=Normal",
        "involvedObject.kind=Pod,involvedObject.name=a",
        "message=x",
    ):
        api.send("GET", f"{EVENTS}?fieldSelector={quote(selector)}")


@case("a list asked for in pages is complete when one goes on while there is more")
def pages(api: Conversation) -> None:
    _three_pods(api)
    names, more = [], ""
    while True:
        page = api.send("GET", f"{PODS}?limit=2&labelSelector=role&continue={quote(more)}")
        names += [item["metadata"]["name"] for item in page["items"]]
        more = page["metadata"].get("continue", "")
        if not more:
            break
    assert names == ["a", "b", "c"]


@case("a list's later pages show the world as it was at the first, and say how much is left")
def later_pages(api: Conversation) -> None:
    _three_pods(api)
    more = api.send("GET", f"{PODS}?limit=1")["metadata"]["continue"]
    api.send("DELETE", f"{PODS}/b?gracePeriodSeconds=0")
    api.send("GET", f"{PODS}?limit=1&continue={quote(more)}")
    api.send("GET", f"{PODS}?limit=5&continue={quote(more)}")
    api.send("GET", f"{PODS}?continue={quote(more)}")
    api.send("GET", f"{PODS}?limit=1")


@case("a list's options are read alike, good and malformed")
def list_options(api: Conversation) -> None:
    options = ("limit=", "limit=-1", "limit=1.5", "timeoutSeconds=x", "timeoutSeconds=3", "continue=x", "watch=false")
    for option in (*options, "continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MX0", "limit=0", "watch=0"):
        api.send("GET", f"{PODS}?{option}")


@case("a watch after a resource version tells everything since, in order")
def watch(api: Conversation) -> None:
    start = api.send("GET", PODS)["metadata"]["resourceVersion"]
    _three_pods(api)
    api.send("PATCH", f"{PODS}/a", {"metadata": {"labels": {"role": "reader"}}}, content_type=MERGE)
    api.send("DELETE", f"{PODS}/b?gracePeriodSeconds=0")
    events = api.watch(PODS, start, least=5)
    assert [event["type"] for event in events][:4] == ["ADDED", "ADDED", "ADDED", "MODIFIED"]
    assert [event["type"] for event in events][-1] == "DELETED"


@case("a watch with a selector sees objects enter and leave it")
def watch_selector(api: Conversation) -> None:
    start = api.send("GET", PODS)["metadata"]["resourceVersion"]
    _three_pods(api)
    api.send("PATCH", f"{PODS}/a", {"metadata": {"labels": {"role": "reader"}}}, content_type=MERGE)
    api.send("PATCH", f"{PODS}/c", {"metadata": {"labels": {"role": "writer"}}}, content_type=MERGE)
    api.send("PATCH", f"{PODS}/b", {"status": {}, "metadata": {"labels": {"run": "3"}}}, content_type=MERGE)
    api.watch(PODS, start, "&labelSelector=role%3Dwriter", least=5)
    api.watch(PODS, start, "&fieldSelector=metadata.name%3Da", least=2)


@case("a watch without a version starts with what is there")
def watch_from_now(api: Conversation) -> None:
    _three_pods(api)
    events = api.watch(PODS, "", least=3)
    assert sorted(event["object"]["metadata"]["name"] for event in events) == ["a", "b", "c"]
    api.watch(PODS, "0", least=3)


@case("a watch at a version that is no number is refused")
def watch_bad_version(api: Conversation) -> None:
    api.send("GET", f"{PODS}?resourceVersion=abc")
    api.send("GET", f"{PODS}?limit=x")
    api.send("GET", f"{PODS}?timeoutSeconds=x&watch=1")


@case("discovery names the same kinds, verbs and scopes")
def discovery(api: Conversation) -> None:
    """Only of the resources we use: the embedded API has deliberately no more."""
    used = {"namespaces", "nodes", "persistentvolumes", "persistentvolumeclaims", "pods", "pods/log", "pods/exec"}
    used |= {"storageclasses", "csidrivers", "deployments", "replicasets", "events", "pods/status"}
    for path in ("/api/v1", "/apis/apps/v1", "/apis/storage.k8s.io/v1"):
        before = len(api.exchanges)
        resources = {item["name"]: item for item in api.send("GET", path)["resources"] if item["name"] in used}
        del api.exchanges[before:]
        for name, item in sorted(resources.items()):
            kept = {key: item.get(key) for key in ("kind", "namespaced", "shortNames", "singularName")}
            api.note(f"{path} {name}", kept)
