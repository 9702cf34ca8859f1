"""Creating, changing and deleting objects, and watching it happen."""

import json
import re
from typing import Any

import pytest

MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


def config_map(name: str, **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}, "data": {"k": "v"}}


def deployment() -> dict[str, Any]:
    container = {"name": "c", "image": "busybox:1.37"}
    template = {"metadata": {"labels": {"app": "w"}}, "spec": {"containers": [container]}}
    spec = {"selector": {"matchLabels": {"app": "w"}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "w"}, "spec": spec}


def test_unknown_and_duplicate_fields_are_refused_when_strict_and_warned_of_otherwise(api: Any, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    body = b'{"metadata":{"name":"c"},"data":{"k":"v"},"bogus":1,"metadata":{"name":"c","xx":1}}'
    strict = api.call("POST", f"{path}?fieldValidation=Strict", body)
    assert strict.status == 400
    problems = 'unknown field "bogus", duplicate field "metadata", unknown field "metadata.xx"'
    assert strict.body["message"].endswith(f"strict decoding error: {problems}")
    assert 'unknown field \\"bogus\\"' in api.call("POST", path, body).headers["Warning"]


def test_a_stale_resource_version_is_a_conflict(api: Any, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    old = api.call("POST", path, config_map("c")).body
    api.call("PATCH", f"{path}/c", {"data": {"k": "2"}}, content_type=MERGE)
    answer = api.call("PUT", f"{path}/c", old)
    assert (answer.status, answer.body["reason"]) == (409, "Conflict")


def test_only_a_changed_spec_raises_the_generation(api: Any, namespace: str) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    assert api.call("POST", path, deployment()).body["metadata"]["generation"] == 1
    labelled = api.call("PATCH", f"{path}/w", {"metadata": {"labels": {"a": "b"}}}, content_type=MERGE)
    assert labelled.body["metadata"]["generation"] == 1
    scaled = api.call("PATCH", f"{path}/w", {"spec": {"replicas": 3}}, content_type=MERGE)
    assert scaled.body["metadata"]["generation"] == 2


def test_status_and_spec_are_written_through_their_own_doors(api: Any, namespace: str) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    api.call("POST", path, deployment())
    change = {"spec": {"replicas": 7}, "status": {"replicas": 5}}
    through_status = api.call("PATCH", f"{path}/w/status", change, content_type=MERGE).body
    assert (through_status["spec"]["replicas"], through_status["status"]["replicas"]) == (1, 5)
    through_spec = api.call("PATCH", f"{path}/w", {**change, "status": {"replicas": 9}}, content_type=MERGE).body
    assert (through_spec["spec"]["replicas"], through_spec["status"]["replicas"]) == (7, 5)


def test_a_strategic_patch_merges_containers_by_name_and_deletes_on_demand(api: Any, namespace: str) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    api.call("POST", path, deployment())

    def patched(*containers: dict[str, str]) -> list[tuple[str, str]]:
        change = {"spec": {"template": {"spec": {"containers": containers}}}}
        body = api.call("PATCH", f"{path}/w", change, content_type=STRATEGIC).body
        return [(one["name"], one["image"]) for one in body["spec"]["template"]["spec"]["containers"]]

    assert patched({"name": "c", "image": "new"}, {"name": "d", "image": "two"}) == [("c", "new"), ("d", "two")]
    assert patched({"name": "d", "$patch": "delete"}) == [("c", "new")]


def test_a_volumes_source_cannot_be_changed(api: Any) -> None:
    csi = {"driver": "efs.csi.aws.com", "volumeHandle": "fs-1"}
    spec = {"capacity": {"storage": "5Gi"}, "accessModes": ["ReadWriteMany"], "csi": csi}
    api.call("POST", "/api/v1/persistentvolumes", {"metadata": {"name": "pv"}, "spec": spec})
    change = {"spec": {"csi": {"volumeHandle": "fs-2"}}}
    answer = api.call("PATCH", "/api/v1/persistentvolumes/pv", change, content_type=MERGE)
    assert answer.status == 422
    assert answer.body["details"]["causes"][0]["field"] == "spec.persistentvolumesource"


@pytest.mark.parametrize("name", ["Bad_Name", "-a", "a" * 254])
def test_a_bad_name_is_invalid(api: Any, namespace: str, name: str) -> None:
    answer = api.call("POST", f"/api/v1/namespaces/{namespace}/configmaps", config_map(name))
    assert (answer.status, answer.body["details"]["causes"][0]["field"]) == (422, "metadata.name")


def test_an_object_with_a_finalizer_stays_until_it_is_taken_off(api: Any, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    api.call("POST", path, config_map("c", finalizers=["example.com/hold"]))
    assert "deletionTimestamp" in api.call("DELETE", f"{path}/c").body["metadata"]
    assert api.call("GET", f"{path}/c").status == 200
    api.call("PATCH", f"{path}/c", {"metadata": {"finalizers": None}}, content_type=MERGE)
    assert api.call("GET", f"{path}/c").status == 404


def test_a_namespace_takes_its_content_along(api: Any, namespace: str) -> None:
    api.call("POST", f"/api/v1/namespaces/{namespace}/configmaps", config_map("c"))
    api.call("DELETE", f"/api/v1/namespaces/{namespace}")
    assert api.call("GET", f"/api/v1/namespaces/{namespace}").status == 404
    assert api.call("GET", f"/api/v1/namespaces/{namespace}/configmaps").body["items"] == []


def test_a_watch_replays_what_happened_after_its_resource_version(api: Any, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    version = api.call("GET", path).body["metadata"]["resourceVersion"]
    api.call("POST", path, config_map("c", labels={"a": "b"}))
    api.call("PATCH", f"{path}/c", {"metadata": {"labels": {"a": "z"}}}, content_type=MERGE)
    api.call("DELETE", f"{path}/c")

    def events(selector: str) -> list[str]:
        query = f"?watch=1&timeoutSeconds=1&resourceVersion={version}{selector}"
        text = api.pool.request(
            "GET",
            api.control_plane.url + path + query,
            headers={"Authorization": f"Bearer {api.control_plane.admin_token}"},
        ).data
        return [json.loads(line)["type"] for line in text.splitlines()]

    assert events("") == ["ADDED", "MODIFIED", "DELETED"]
    assert events("&labelSelector=a%3Db") == ["ADDED", "DELETED"]


def test_a_watch_from_a_forgotten_version_is_told_it_expired(api: Any) -> None:
    api.control_plane.application.store.forget_history()
    answer = api.call("GET", "/api/v1/pods?watch=1&resourceVersion=1&timeoutSeconds=1")
    assert (answer.body["type"], answer.body["object"]["code"]) == ("ERROR", 410)


def test_kubectl_gets_a_table(api: Any) -> None:
    table = api.call("GET", "/api/v1/namespaces", accept="application/json;as=Table;v=v1;g=meta.k8s.io").body
    assert [column["name"] for column in table["columnDefinitions"]] == ["Name", "Status", "Age"]
    assert ["default", "Active"] in [row["cells"][:2] for row in table["rows"]]


def test_a_generated_name_keeps_to_kubernetes_alphabet(api: Any) -> None:
    """In two hundred suffixes, a thousand characters, one that does not belong would show."""
    path = "/api/v1/namespaces/default/configmaps?dryRun=All"
    made = [api.call("POST", path, {"metadata": {"generateName": "x-"}}).body for _ in range(200)]
    names = {str(one["metadata"]["name"]) for one in made}
    assert all(re.fullmatch("x-[bcdfghjklmnpqrstvwxz2456789]{5}", name) for name in names)
    assert len(names) > 190
