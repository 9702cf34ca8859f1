"""Server-side apply: managed fields, conflicts, force, removal of what a manager no longer names."""

from __future__ import annotations

import time

from tests.kubernetes.differential import APPLY, MERGE, Conversation, case
from tests.kubernetes.manifests import NAMESPACED, PATHS, Manifest, changed, manifest

CLAIMS = NAMESPACED["PersistentVolumeClaim"]
DEPLOYMENTS = NAMESPACED["Deployment"]
VOLUMES = PATHS["PersistentVolume"]
CLASSES = PATHS["StorageClass"]
# Kubernetes 1.37 writes these anew even when an apply changes nothing: a side effect of their defaults and admission.
ALWAYS_WRITTEN = {"Namespace", "Node", "PersistentVolumeClaim"}


def _applies(kind: str) -> None:
    @case(f"applying a {kind} creates it, again changes nothing, with a label changes that")
    def apply_thrice(api: Conversation) -> None:
        name = f"{api.name}-y"
        item, desired = f"{PATHS[kind]}/{name}", manifest(kind, name, api.name)
        first = api.apply(item, desired)
        second = api.apply(item, desired)
        third = api.apply(item, changed(desired, "metadata.labels", {"a": "b"}))
        versions = [found["metadata"]["resourceVersion"] for found in (first, second, third)]
        if kind not in ALWAYS_WRITTEN:
            api.note("versions", [versions[0] == versions[1], versions[1] == versions[2]])


for each in PATHS:
    _applies(each)


@case("the same apply in another second is no change, also where defaults fill up what was applied as a whole")
def in_another_second(api: Conversation) -> None:
    item, desired = f"{PATHS['LimitRange']}/{api.name}-z", manifest("LimitRange", f"{api.name}-z", api.name)
    first = api.apply(item, desired)
    time.sleep(1)  # as long as the resolution of an owner's time
    second = api.apply(item, desired)
    api.note("unchanged", first["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"])


@case("a second manager that wants another value is told of the conflict, and force takes the field")
def conflict(api: Conversation) -> None:
    item = f"{DEPLOYMENTS}/d"
    desired = manifest("Deployment", "d", api.name)
    api.apply(item, desired, "one")
    other = changed(desired, "spec.replicas", 5)
    api.apply(item, other, "two")
    api.apply(item, other, "two", force=True)
    api.apply(item, desired, "one")
    api.apply(item, other, "one")


@case("a second manager may apply the same value and then shares the field")
def shared(api: Conversation) -> None:
    item = f"{DEPLOYMENTS}/d"
    desired = manifest("Deployment", "d", api.name)
    api.apply(item, desired, "one")
    api.apply(item, desired, "two")
    api.apply(item, changed(desired, "spec.replicas", 2), "one")


@case("a field its only manager no longer applies is removed, or back at its default")
def removed(api: Conversation) -> None:
    item = f"{DEPLOYMENTS}/d"
    desired = manifest("Deployment", "d", api.name)
    full = changed(changed(desired, "metadata.labels", {"a": "1", "b": "2"}), "spec.minReadySeconds", 7)
    api.apply(item, full)
    api.apply(item, changed(changed(full, "metadata.labels", {"b": "2"}), "spec.minReadySeconds", None))
    api.apply(item, changed(desired, "spec.replicas", None))


@case("what somebody else wrote stays when a manager no longer applies it")
def written_by_another(api: Conversation) -> None:
    item = f"{CLAIMS}/c"
    desired = manifest("PersistentVolumeClaim", "c", api.name)
    api.apply(item, changed(desired, "metadata.labels", {"a": "1"}))
    api.send("PATCH", f"{item}?fieldManager=hand", {"metadata": {"labels": {"a": "2", "x": "y"}}}, content_type=MERGE)
    api.apply(item, changed(desired, "metadata.labels", {"a": "1"}))
    api.apply(item, desired)


@case("list items are merged by their key: containers by name, environment by name, ports by port and protocol")
def merged_lists(api: Conversation) -> None:
    item = f"{DEPLOYMENTS}/d"
    desired = manifest("Deployment", "d", api.name)
    with_env = changed(desired, "spec.template.spec.containers.0.env", [{"name": "A", "value": "1"}])
    api.apply(item, with_env, "one")
    containers = [{"name": "writer", "env": [{"name": "B", "value": "2"}]}, {"name": "sidecar", "image": "busybox"}]
    partial = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d"},
        "spec": {"template": {"spec": {"containers": containers}}},
    }
    api.apply(item, partial, "two")
    api.apply(item, changed(with_env, "spec.template.spec.containers.0.env", []), "one")
    api.apply(item, {**partial, "spec": {}}, "two")


@case("a merged list keeps the order of both managers as far as they agree")
def merged_order(api: Conversation) -> None:
    item = f"{DEPLOYMENTS}/d"
    desired = manifest("Deployment", "d", api.name)

    def environment(names: str) -> object:
        variables = [{"name": name, "value": name} for name in names]
        return changed(desired, "spec.template.spec.containers.0.env", variables)

    api.apply(item, environment("ABCD"), "one")
    for names in ("XB", "CYA", "DXA", "ZBXA"):
        api.apply(item, environment(names), "two")
    api.apply(item, environment("DA"), "one")
    api.apply(item, desired, "two")


@case("applying to what nobody applied before leaves its fields to those who wrote them")
def before_first_apply(api: Conversation) -> None:
    for kind, path in (("Deployment", DEPLOYMENTS), ("PersistentVolumeClaim", CLAIMS)):
        desired = manifest(kind, "w", api.name)
        api.send("POST", f"{path}?fieldManager=hand", changed(desired, "metadata.labels", {"a": "b"}))
        cleared: Manifest = {"metadata": {"managedFields": [{}]}}
        api.send("PATCH", f"{path}/w?fieldManager=hand", cleared, content_type=MERGE)
        api.apply(f"{path}/w", desired)


@case("applying a change to an immutable field is invalid, not a conflict")
def immutable(api: Conversation) -> None:
    item = f"{VOLUMES}/{api.name}-v"
    desired = manifest("PersistentVolume", f"{api.name}-v", "")
    api.apply(item, desired)
    api.apply(item, changed(desired, "spec.csi.volumeHandle", "fs-11111111"))


@case("apply wants a field manager, a name that fits, no managed fields, and no foreign version")
def preconditions(api: Conversation) -> None:
    desired = manifest("PersistentVolumeClaim", "c", api.name)
    api.send("PATCH", f"{CLAIMS}/c", desired, content_type=APPLY)
    api.apply(f"{CLAIMS}/other", desired)
    api.apply(f"{CLAIMS}/c", changed(desired, "metadata.managedFields", [{"manager": "me"}]))
    api.apply(f"{CLAIMS}/c", changed(desired, "metadata.resourceVersion", "1"))
    api.apply(f"{CLAIMS}/c", changed(desired, "metadata.uid", "00000000-0000-0000-0000-000000000000"))
    api.apply(f"{CLAIMS}/c", changed(desired, "kind", "Pod"))
    api.apply(f"{CLAIMS}/c", changed(desired, "kind", None))
    api.apply(f"{CLAIMS}/c", changed(desired, "apiVersion", "v2"))
    api.send("PATCH", f"{CLAIMS}/c?force=true&fieldManager=m", {}, content_type=MERGE)


@case("an unknown field in an applied object is refused unless fieldValidation says otherwise")
def unknown_field(api: Conversation) -> None:
    desired = changed(manifest("PersistentVolumeClaim", "c", api.name), "spec.colour", "blue")
    for validation in ("Strict", "Warn", "Ignore", "Perhaps"):
        api.apply(f"{CLAIMS}/c", desired, query=f"&fieldValidation={validation}")
    api.apply(f"{CLAIMS}/c", desired)


@case("applying a StorageClass without its parameters after it had some is refused as immutable")
def storage_class(api: Conversation) -> None:
    name = f"{api.name}-s"
    desired = manifest("StorageClass", name, "")
    api.apply(f"{CLASSES}/{name}", changed(desired, "parameters", {"a": "b"}))
    api.apply(f"{CLASSES}/{name}", desired)
