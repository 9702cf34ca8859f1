"""An embedded cluster on a real socket, and the official client in front of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import urllib3

from local.kubernetes.certificates import client_context
from local.kubernetes.embedded import EmbeddedControlPlanes
from local.kubernetes.interfaces import ControlPlane, KubernetesUser

VIEWER = KubernetesUser("viewer", "1", ("eks-access-policy:AmazonEKSViewPolicy", "system:authenticated"), {})
EDITOR = KubernetesUser("editor", "2", ("eks-access-policy:AmazonEKSEditPolicy", "system:authenticated"), {})
OWNER = KubernetesUser("owner", "3", ("eks-access-policy:AmazonEKSClusterAdminPolicy", "system:authenticated"), {})
USERS = {user.username: user for user in (VIEWER, EDITOR, OWNER)}


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    headers: Any


@dataclass(frozen=True)
class Api:
    """Plain HTTP, so that a test sees exactly what goes over the wire."""

    control_plane: ControlPlane
    pool: urllib3.PoolManager

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Answer:
        bearer = self.control_plane.admin_token if token is None else token
        headers = {"Content-Type": content_type, "Accept": accept, "User-Agent": "tester/1"}
        if bearer:
            headers["Authorization"] = f"Bearer {bearer}"
        data = {"body": body} if isinstance(body, bytes) else {"json": body} if body is not None else {}
        response = self.pool.request(method, self.control_plane.url + path, headers=headers, retries=False, **data)
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        return Answer(response.status, response.json() if is_json else response.data.decode(), response.headers)

    def apply(self, path: str, body: Any, manager: str, *, force: bool = False, query: str = "") -> Answer:
        options = f"?fieldManager={manager}&force={str(force).lower()}{query}"
        return self.call("PATCH", path + options, body, content_type="application/apply-patch+yaml")


@pytest.fixture(scope="module")
def control_plane() -> Iterator[ControlPlane]:
    started = EmbeddedControlPlanes().start("tested", USERS.get)
    yield started
    started.stop()


@pytest.fixture(scope="module")
def api(control_plane: ControlPlane) -> Iterator[Api]:
    context = client_context(control_plane.ca_pem)
    with urllib3.PoolManager(ssl_context=context) as pool:
        yield Api(control_plane, pool)


@pytest.fixture
def namespace(api: Api, request: pytest.FixtureRequest) -> str:
    created = api.call("POST", "/api/v1/namespaces", {"metadata": {"generateName": "test-"}})
    return str(created.body["metadata"]["name"])
