"""Create, read, change and delete, for every kind; patches; preconditions; finalizers; dry runs."""

from __future__ import annotations

from tests.kubernetes.differential import APPLY, JSON_PATCH, MERGE, STRATEGIC, Conversation, case
from tests.kubernetes.manifests import NAMESPACED, PATHS, changed, manifest

CLAIMS = NAMESPACED["PersistentVolumeClaim"]
PODS = NAMESPACED["Pod"]
DEPLOYMENTS = NAMESPACED["Deployment"]
CLASSES = PATHS["StorageClass"]


def _lives(kind: str) -> None:
    path = PATHS[kind]

    @case(f"a {kind} can be created, read, listed, replaced and deleted")
    def life(api: Conversation) -> None:
        name = f"{api.name}-x"
        item = f"{path}/{name}"
        labelled = changed(manifest(kind, name, api.name), "metadata.labels", {"case": name})
        api.send("POST", path, labelled)
        found = api.send("GET", item)
        api.send("GET", f"{path}?labelSelector=case={name}")
        api.send("POST", path, labelled)
        api.send("PUT", item, changed(found, "metadata.annotations", {"note": "changed"}))
        api.send("PUT", item, changed(found, "metadata.annotations", {"note": "from an old version"}))
        api.send("DELETE", f"{item}?gracePeriodSeconds=0", {"propagationPolicy": "Background"})
        if kind not in {"PersistentVolume", "PersistentVolumeClaim", "Namespace"}:  # a finalizer or two hold these
            api.send("GET", item)
            api.send("DELETE", item)

    @case(f"a {kind} with nothing but a name is judged by what is required")
    def bare(api: Conversation) -> None:
        whole = manifest(kind, "bare-" + kind.lower(), api.name)
        api.send("POST", f"{path}?dryRun=All", {key: whole[key] for key in ("apiVersion", "kind", "metadata")})

    @case(f"a missing {kind} is not found by any verb")
    def missing(api: Conversation) -> None:
        api.send("GET", f"{path}/missing")
        api.send("DELETE", f"{path}/missing")
        api.send("PATCH", f"{path}/missing", {"metadata": {"labels": {"a": "b"}}}, content_type=MERGE)


for each in PATHS:
    _lives(each)


@case("merge, strategic and JSON patches each change a Deployment in their own way")
def patches(api: Conversation) -> None:
    api.send("POST", DEPLOYMENTS, manifest("Deployment", "d", api.name))
    item = f"{DEPLOYMENTS}/d"
    sidecar = {"name": "sidecar", "image": "busybox"}
    containers = {"spec": {"template": {"spec": {"containers": [sidecar]}}}}
    api.send("PATCH", item, containers, content_type=STRATEGIC)
    api.send("PATCH", item, containers, content_type=MERGE)
    api.send("PATCH", item, [{"op": "replace", "path": "/spec/replicas", "value": 3}], content_type=JSON_PATCH)
    api.send("PATCH", item, [{"op": "test", "path": "/spec/replicas", "value": 4}], content_type=JSON_PATCH)
    api.send("PATCH", item, [{"op": "remove", "path": "/spec/nothing"}], content_type=JSON_PATCH)
    api.send("PATCH", item, {"metadata": {"labels": {"a": "b"}}}, content_type=MERGE)
    api.send("PATCH", item, {"metadata": {"labels": {"a": None}}}, content_type=MERGE)


@case("a patch that is no JSON or of an unknown type is refused")
def bad_patches(api: Conversation) -> None:
    api.send("POST", CLAIMS, manifest("PersistentVolumeClaim", "c", api.name))
    api.send("PATCH", f"{CLAIMS}/c", b"{", content_type=MERGE)
    api.send("PATCH", f"{CLAIMS}/c", b"[]", content_type=MERGE)
    api.send("PATCH", f"{CLAIMS}/c", {}, content_type="text/plain")
    api.send("PATCH", f"{CLAIMS}/c", {}, content_type="application/json")
    api.send("PATCH", f"{CLAIMS}/c?fieldManager=m", b"a: [", content_type=APPLY)


@case("a body that is no object, or of another type than its address, is refused")
def bad_bodies(api: Conversation) -> None:
    api.send("POST", CLAIMS, b"not json")
    api.send("POST", CLAIMS, b"")
    api.send("POST", CLAIMS, b"{}")
    api.send("POST", CLAIMS, manifest("Pod", "p", api.name))
    api.send("POST", CLAIMS, manifest("PersistentVolumeClaim", "c", api.name), content_type="text/plain")
    api.send("POST", CLAIMS, manifest("PersistentVolumeClaim", "c", "elsewhere"))
    api.send("PUT", f"{CLAIMS}/other", manifest("PersistentVolumeClaim", "c", api.name))


@case("a status subresource changes the status and nothing else")
def status(api: Conversation) -> None:
    api.send("POST", PODS, manifest("Pod", "p", api.name))
    change = {"metadata": {"labels": {"a": "b"}}, "status": {"phase": "Running", "podIP": "192.168.0.7"}}
    api.send("PATCH", f"{PODS}/p/status", change, content_type=MERGE)
    api.send("PATCH", f"{PODS}/p", {"status": {"phase": "Failed"}}, content_type=MERGE)
    api.send("GET", f"{PODS}/p/status")
    api.send("PATCH", f"{CLASSES}/none/status", {}, content_type=MERGE)


def _has_status(kind: str) -> None:
    @case(f"the status subresource of a {kind} takes some metadata with it")
    def status_metadata(api: Conversation) -> None:
        name = f"{api.name}-m"
        item = f"{PATHS[kind]}/{name}"
        api.send("POST", PATHS[kind], manifest(kind, name, api.name))
        metadata = {"labels": {"a": "b"}, "annotations": {"c": "d"}, "finalizers": ["example.com/hold"]}
        api.send("PATCH", f"{item}/status?fieldManager=s", {"metadata": metadata}, content_type=MERGE)
        api.send("PATCH", f"{item}/status?fieldManager=s", {"spec": None}, content_type=MERGE)
        api.send("PATCH", f"{item}?fieldManager=m", {"metadata": {"finalizers": None}}, content_type=MERGE)


for each in ("Namespace", "Node", "PersistentVolume", "PersistentVolumeClaim", "Pod", "Deployment", "ReplicaSet"):
    _has_status(each)


@case("empty maps and lists are not kept")
def empty_collections(api: Conversation) -> None:
    claim = manifest("PersistentVolumeClaim", "c", api.name)
    claim = changed(changed(claim, "metadata.labels", {}), "metadata.finalizers", [])
    api.send("POST", CLAIMS, changed(claim, "spec.resources.limits", {}))
    api.apply(f"{CLAIMS}/c", claim, "two")
    pod = changed(manifest("Pod", "p", api.name), "spec.containers.0.args", [])
    api.send("POST", PODS, changed(pod, "spec.nodeSelector", {}))


@case("a finalizer keeps a deleted object until it is removed")
def finalizer(api: Conversation) -> None:
    claim = changed(manifest("PersistentVolumeClaim", "c", api.name), "metadata.finalizers", ["example.com/hold"])
    api.send("POST", CLAIMS, claim)
    api.send("DELETE", f"{CLAIMS}/c")
    api.send("GET", f"{CLAIMS}/c")
    api.send("DELETE", f"{CLAIMS}/c")
    more = {"metadata": {"finalizers": ["example.com/hold", "example.com/another"]}}
    api.send("PATCH", f"{CLAIMS}/c", more, content_type=MERGE)
    api.send("PATCH", f"{CLAIMS}/c", {"metadata": {"finalizers": None}}, content_type=MERGE)
    api.send("GET", f"{CLAIMS}/c")


@case("a delete with a precondition that does not hold is a conflict")
def preconditions(api: Conversation) -> None:
    made = api.send("POST", DEPLOYMENTS, manifest("Deployment", "d", api.name))
    api.send("DELETE", f"{DEPLOYMENTS}/d", {"preconditions": {"uid": "another"}})
    api.send("DELETE", f"{DEPLOYMENTS}/d", {"preconditions": {"resourceVersion": "1"}})
    api.send("DELETE", f"{DEPLOYMENTS}/d", {"preconditions": {"uid": made["metadata"]["uid"]}})
    api.send("GET", f"{DEPLOYMENTS}/d")


@case("a dry run answers like the real thing and stores nothing")
def dry_run(api: Conversation) -> None:
    claim = manifest("PersistentVolumeClaim", "c", api.name)
    api.send("POST", f"{CLAIMS}?dryRun=All", claim)
    api.send("GET", f"{CLAIMS}/c")
    api.apply(f"{CLAIMS}/c", claim, query="&dryRun=All")
    api.send("GET", f"{CLAIMS}/c")
    api.send("POST", CLAIMS, claim)
    api.send("DELETE", f"{CLAIMS}/c", {"dryRun": ["All"]})
    api.send("PATCH", f"{CLAIMS}/c?dryRun=All", {"metadata": {"labels": {"a": "b"}}}, content_type=MERGE)
    api.send("GET", f"{CLAIMS}/c")
    api.send("POST", f"{CLAIMS}?dryRun=Some", claim)


@case("a generated name starts with its prefix")
def generate_name(api: Conversation) -> None:
    pod = changed(changed(manifest("Pod", "p", api.name), "metadata.name", None), "metadata.generateName", "writer-")
    made = api.send("POST", PODS, pod)
    assert made["metadata"]["name"].startswith("writer-")
    assert len(made["metadata"]["name"]) == len("writer-") + 5


@case("an update with no change keeps the resource version")
def no_change(api: Conversation) -> None:
    made = api.send("POST", DEPLOYMENTS, manifest("Deployment", "d", api.name))
    again = api.send("PUT", f"{DEPLOYMENTS}/d", made)
    patched = api.send("PATCH", f"{DEPLOYMENTS}/d", {"metadata": {}}, content_type=MERGE)
    versions = {found["metadata"]["resourceVersion"] for found in (made, again, patched)}
    assert len(versions) == 1


@case("a collection is deleted by label")
def delete_collection(api: Conversation) -> None:
    for name, run in (("a", "1"), ("b", "1"), ("c", "2")):
        api.send("POST", DEPLOYMENTS, changed(manifest("Deployment", name, api.name), "metadata.labels", {"run": run}))
    api.send("DELETE", f"{DEPLOYMENTS}?labelSelector=run=1")
    left = api.send("GET", DEPLOYMENTS)
    assert [item["metadata"]["name"] for item in left["items"]] == ["c"]


@case("an unknown resource, group, version or namespace is not found")
def unknown_places(api: Conversation) -> None:
    api.send("GET", "/api/v1/namespaces/{name}/unknowns")
    api.send("GET", "/apis/unknown.example.com/v1/things")
    api.send("GET", "/apis/storage.k8s.io/v9/storageclasses")
    api.send("GET", "/api/v1/namespaces/nowhere/pods")
    api.send("POST", "/api/v1/namespaces/nowhere/pods", manifest("Pod", "p", "nowhere"))
    api.send("PUT", CLASSES, manifest("StorageClass", "s", ""))
    api.send("POST", f"{CLASSES}/s", manifest("StorageClass", "s", ""))
