"""A real control plane per cluster: etcd, kube-apiserver and kube-controller-manager, started as envtest starts them.

The API, its storage, admission, RBAC, controllers and garbage collection are Kubernetes' own. What EKS adds is added
here: bearer tokens go to a webhook, and the groups that stand for EKS access policies are bound to cluster roles.
"""

from __future__ import annotations

import atexit
import json
import secrets
import shutil
import ssl
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local.kubernetes.certificates import client_context
from local.kubernetes.interfaces import ACCESS_POLICY_GROUP_PREFIX, Authenticate
from local.kubernetes.real_certificates import write_certificates
from local.kubernetes.real_flags import (
    VIEWER_OF_ALL,
    api_server_flags,
    controller_manager_flags,
    etcd_flags,
    role_binding,
    viewer_of_all,
    write_authentication,
)
from local.kubernetes.real_processes import Program, kill, launch, reserve_port
from local.kubernetes.token_webhook import TokenWebhook, write_kubeconfig

START_TIMEOUT_SECONDS = 300.0
POLL_SECONDS = 0.05
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_ACCESS_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
ROLE_AGGREGATION = "clusterrole-aggregation-controller"
CONTROLLERS = (
    ROLE_AGGREGATION,  # fills in the roles admin, edit and view
    "deployment-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "persistentvolume-binder-controller",
    "persistentvolume-protection-controller",
    "persistentvolumeclaim-protection-controller",
    "replicaset-controller",
    "resourcequota-controller",
)
ROLE_OF_ACCESS_POLICY = {
    "AmazonEKSClusterAdminPolicy": "cluster-admin",
    "AmazonEKSAdminPolicy": "admin",
    "AmazonEKSEditPolicy": "edit",
    "AmazonEKSViewPolicy": "view",
    "AmazonEKSAdminViewPolicy": VIEWER_OF_ALL,
}


class ControlPlaneError(Exception):
    """A program of the control plane stopped or did not get ready; the text has the end of its log."""


@dataclass(frozen=True)
class RealControlPlanes:
    """Starts real control planes from the folder that `local.control_plane.build.find_assets` names."""

    assets: Path
    directory: Path | None = None
    controllers: Sequence[str] = CONTROLLERS
    name: str = field(default="real", init=False)

    def start(self, cluster_name: str, authenticate: Authenticate, *, port: int | None = None) -> RealControlPlane:
        """Converge to an API that serves and whose roles and bindings are in place; about 3 s.

        Raises: ControlPlaneError, with the logs kept in the directory it names; OSError when the port is taken.
        """
        control_plane = RealControlPlane(self, cluster_name, authenticate, port)
        try:
            control_plane.wait_until_ready(self.controllers)
        except BaseException:
            control_plane.stop(keep_directory=True)
            raise
        return control_plane


class RealControlPlane:
    """One running cluster API. Everything it stored is removed when it stops."""

    def __init__(
        self, control_planes: RealControlPlanes, cluster_name: str, authenticate: Authenticate, port: int | None
    ) -> None:
        self._assets = control_planes.assets
        self._reserved = reserve_port(port)
        self.url = f"https://127.0.0.1:{self._reserved.getsockname()[1]}"
        self.admin_token = secrets.token_urlsafe(24)
        self.directory = Path(tempfile.mkdtemp(prefix=f"kubernetes-{cluster_name}-", dir=control_planes.directory))
        self._certificates = write_certificates(self.directory)
        self.ca_pem = self._certificates.authority.read_text()
        self._tls = client_context(self.ca_pem)
        self._webhook = TokenWebhook(authenticate, self._certificates)
        self._programs: list[Program] = []
        atexit.register(self.stop)

    def wait_until_ready(self, controllers: Sequence[str]) -> None:
        """Start the programs in the order they need each other."""
        self._launch("etcd", etcd_flags())
        self._launch("kube-apiserver", self._api_server_flags())
        self._wait(lambda: self._request("GET", "/readyz") is not None)
        kubeconfig = write_kubeconfig(
            self.directory / "admin.kubeconfig", self.url, self._certificates.authority, self.admin_token
        )
        self._launch("kube-controller-manager", controller_manager_flags(kubeconfig, controllers))
        self._make("clusterroles", viewer_of_all())
        for policy, role in ROLE_OF_ACCESS_POLICY.items():
            self._make("clusterrolebindings", role_binding(policy, role))
        self._wait(lambda: all(map(self._lets_read, ROLE_OF_ACCESS_POLICY)))

    def stop(self, *, keep_directory: bool = False) -> None:
        atexit.unregister(self.stop)
        kill(self._programs)
        self._webhook.stop()
        self._reserved.close()
        if not keep_directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    def server_context(self) -> ssl.SSLContext:
        """Of who answers in its place."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificates.serving_certificate, self._certificates.serving_key)
        return context

    def _make(self, resource: str, body: dict[str, Any]) -> None:
        """Until it is there: a busy server may answer too late, and has made it all the same."""
        path = f"{_RBAC}/{resource}"
        made = f"{path}/{body['metadata']['name']}"
        self._wait(lambda: (self._request("POST", path, body) or self._request("GET", made)) is not None)

    def _lets_read(self, policy: str) -> bool:
        """As the authorizer itself sees it.

        Until the controller has run, and the authorizer has heard of that, `view` and what is made of it allow nothing,
        and an early caller would be refused.
        """
        pods = {"verb": "list", "resource": "pods", "namespace": "default"}
        spec = {"groups": [f"{ACCESS_POLICY_GROUP_PREFIX}{policy}"], "resourceAttributes": pods}
        kind = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview"}
        answer = self._request("POST", _ACCESS_REVIEWS, {**kind, "spec": spec})
        return answer is not None and bool(json.loads(answer)["status"]["allowed"])

    def _launch(self, name: str, flags: list[str]) -> None:
        self._programs.append(launch(self._assets / name, flags, self.directory))

    def _wait(self, is_done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not is_done():
            for program in self._programs:
                if program.process.poll() is not None:
                    code = program.process.returncode
                    raise ControlPlaneError(f"{program.name} ended with {code}; see {program.log}\n{program.tail()}")
            if time.monotonic() > deadline:
                last = self._programs[-1]
                raise ControlPlaneError(f"not ready in {START_TIMEOUT_SECONDS:.0f} s; see {last.log}\n{last.tail()}")
            time.sleep(POLL_SECONDS)

    def _request(self, method: str, path: str, body: dict[str, Any] | None = None) -> bytes | None:
        """The answer's body; None while nobody answers or the answer is an error."""
        headers = {"Authorization": f"Bearer {self.admin_token}", "Content-Type": "application/json"}
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310 - always https
        try:
            with urllib.request.urlopen(request, context=self._tls, timeout=5) as response:  # noqa: S310
                answer: bytes = response.read()
                return answer
        except (urllib.error.URLError, OSError):
            return None

    def _api_server_flags(self) -> list[str]:
        tokens = self.directory / "tokens.csv"
        tokens.touch(mode=0o600)
        tokens.write_text(f'{self.admin_token},kubernetes-admin,kubernetes-admin,"system:masters"\n')
        return api_server_flags(
            port=self._reserved.getsockname()[1],
            certificates=self._certificates,
            tokens=tokens,
            webhook=self._webhook.write_kubeconfig(self.directory / "token-webhook.kubeconfig"),
            authentication=write_authentication(self.directory / "authentication.json"),
        )
