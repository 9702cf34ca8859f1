"""Pages, options and what is not served, wherever there is no real control plane to compare with."""

from typing import Any

import pytest


def _config_maps(api: Any, namespace: str, *names: str) -> str:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    for name in names:
        assert api.call("POST", path, {"metadata": {"name": name}}).status == 201
    return path


def _names(body: Any) -> list[str]:
    return [item["metadata"]["name"] for item in body["items"]]


def test_a_page_says_where_the_next_begins_and_how_much_is_left(api: Any, namespace: str) -> None:
    path = _config_maps(api, namespace, "a", "b", "c")
    first = api.call("GET", f"{path}?limit=2").body
    assert _names(first) == ["a", "b"]
    assert first["metadata"]["remainingItemCount"] == 1
    last = api.call("GET", f"{path}?limit=2&continue={first['metadata']['continue']}").body
    assert _names(last) == ["c"]
    assert "continue" not in last["metadata"]


def test_later_pages_show_the_world_as_it_was_at_the_first(api: Any, namespace: str) -> None:
    path = _config_maps(api, namespace, "a", "c", "d")
    first = api.call("GET", f"{path}?limit=1").body
    api.call("DELETE", f"{path}/c")
    api.call("PUT", f"{path}/d", {"metadata": {"name": "d"}, "data": {"changed": "later"}})
    _config_maps(api, namespace, "b")
    rest = api.call("GET", f"{path}?continue={first['metadata']['continue']}").body
    assert _names(rest) == ["c", "d"]
    assert "data" not in rest["items"][1]
    assert rest["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    assert _names(api.call("GET", path).body) == ["a", "b", "d"]


def test_a_page_of_a_forgotten_version_has_expired(api: Any, namespace: str, control_plane: Any) -> None:
    path = _config_maps(api, namespace, "a", "b")
    more = api.call("GET", f"{path}?limit=1").body["metadata"]["continue"]
    _config_maps(api, namespace, "c")
    control_plane.application.store.forget_history()
    assert api.call("GET", f"{path}?continue={more}").body["reason"] == "Expired"


@pytest.mark.parametrize("option", ["limit=x", "limit=", "timeoutSeconds=x", "watch=1&timeoutSeconds=x", "continue=x"])
def test_an_option_that_cannot_be_read_is_a_bad_request(api: Any, option: str) -> None:
    assert api.call("GET", f"/api/v1/pods?{option}").body["reason"] == "BadRequest"


@pytest.mark.parametrize("path", ["/api/v1/secrets", "/apis/unknown.example.com/v1/things"])
def test_whether_something_is_served_is_told_to_those_only_who_may_ask_for_it(api: Any, path: str) -> None:
    assert [api.call("GET", path, token=user).status for user in ("viewer", "owner")] == [403, 404]


def test_a_protobuf_body_is_an_unsupported_media_type(api: Any) -> None:
    """kubectl's generators (`kubectl create deployment`) send it; `kubectl apply` and `create -f` send JSON."""
    answer = api.call("POST", "/api/v1/namespaces", b"k8s\0", content_type="application/vnd.kubernetes.protobuf")
    assert answer.body["reason"] == "UnsupportedMediaType"
