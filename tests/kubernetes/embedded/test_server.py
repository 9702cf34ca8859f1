"""Who gets in, what they may do, and that the server comes and goes cleanly."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from local.kubernetes.embedded import EmbeddedControlPlanes
from tests.kubernetes.embedded.conftest import USERS


@pytest.mark.parametrize("token", ["", "unknown"])
def test_a_request_without_a_known_token_is_unauthorized(api: Any, token: str) -> None:
    answer = api.call("GET", "/api/v1/pods", token=token)
    assert answer.status == 401
    assert answer.body["reason"] == answer.body["message"] == "Unauthorized"


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz", "/version"])
def test_health_and_version_need_no_token(api: Any, path: str) -> None:
    assert api.call("GET", path, token="").status == 200


def test_a_refusal_names_user_verb_resource_and_namespace_as_rbac_does(api: Any) -> None:
    answer = api.call("POST", "/apis/apps/v1/namespaces/default/deployments", {"metadata": {}}, token="viewer")
    assert answer.status == 403
    assert answer.body["message"] == (
        'deployments.apps is forbidden: User "viewer" cannot create resource "deployments" in API group "apps" '
        'in the namespace "default"'
    )
    assert answer.body["details"] == {"group": "apps", "kind": "deployments"}


@pytest.mark.parametrize(
    ("user", "path", "status"),
    [
        ("viewer", "/api/v1/namespaces/default/pods", 200),
        ("viewer", "/api/v1/nodes", 403),
        ("editor", "/api/v1/persistentvolumes", 403),
        ("owner", "/api/v1/persistentvolumes", 200),
        ("owner", "/apis/storage.k8s.io/v1/csidrivers", 200),
    ],
)
def test_an_access_policy_admits_to_its_kinds_only(api: Any, user: str, path: str, status: int) -> None:
    assert api.call("GET", path, token=user).status == status


def test_self_subject_access_review_answers_what_authorization_decides(api: Any) -> None:
    for user, allowed in (("viewer", False), ("editor", True)):
        asked = {"spec": {"resourceAttributes": {"verb": "create", "resource": "pods"}}}
        answer = api.call("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", asked, token=user)
        assert answer.body["status"]["allowed"] is allowed


def test_a_further_cluster_takes_a_port_and_no_thread() -> None:
    planes = [EmbeddedControlPlanes().start("first", USERS.get)]
    try:
        threads, files = set(threading.enumerate()), open_files()
        planes += [EmbeddedControlPlanes().start(f"further-{number}", USERS.get) for number in range(5)]
        assert set(threading.enumerate()) <= threads
        assert open_files() <= files + 5
    finally:
        for plane in planes:
            plane.stop()


def open_files() -> int:
    """With that of the listing itself."""
    return len(list(Path("/dev/fd").iterdir()))


def test_several_clusters_start_in_a_quarter_second_each_and_share_nothing() -> None:
    began = time.process_time()  # others may want the processor too
    first, second = (EmbeddedControlPlanes().start(name, USERS.get) for name in ("a", "b"))
    try:
        assert time.process_time() - began < 2 * 0.25
        assert first.url != second.url
        assert first.admin_token != second.admin_token
        assert first.ca_pem != second.ca_pem
    finally:
        first.stop()
        second.stop()


def test_a_stopped_server_frees_its_port() -> None:
    started = EmbeddedControlPlanes().start("short", USERS.get)
    port = int(started.url.rpartition(":")[2])
    started.stop()
    started.stop()
    again = EmbeddedControlPlanes().start("short", USERS.get, port=port)
    again.stop()
    assert again.url == started.url
