"""The Kubernetes API of one cluster, as few verbs over plain JSON objects."""

import base64
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

from urllib3.exceptions import HTTPError

from provisioner.aws.session import Target
from provisioner.errors import ErrorReason, RetryableError, UnsettledError
from provisioner.kubernetes.dynamic import ApiException, dynamic_client, resources
from provisioner.kubernetes.errors import boundary_error, connection_error
from provisioner.kubernetes.presented import authority_name, presented_certificate
from provisioner.kubernetes.token import Token, TokenSource

if TYPE_CHECKING:
    from mypy_boto3_eks.type_defs import ClusterTypeDef

FIELD_MANAGER: Final = "eks-efs-provisioner"
CONNECT_SECONDS: Final = 5
READ_SECONDS: Final = 20
# An API server that cannot reach a node says so after half a minute, and those words are wanted.
LOGS_READ_SECONDS: Final = 40
# The proof's own pods print some hundred lines; an image that somebody chose may print anything.
LOGS_BYTES: Final = 1024**2

Manifest = dict[str, Any]
"""A Kubernetes object as the API speaks it: JSON with apiVersion, kind and metadata."""


class KubernetesApi(Protocol):
    """What storage and verification need. Every method raises AccessNotYetEffective, UnsettledError,
    RetryableError, TerminalError."""

    def get(self, kind: str, name: str, namespace: str | None = None) -> Manifest | None:
        """None when there is no such object."""

    def list(
        self, kind: str, namespace: str | None = None, *, labels: str | None = None, fields: str | None = None
    ) -> list[Manifest]:
        """`labels` and `fields` are selectors as in kubectl."""

    def apply(self, manifest: Manifest, *, over: Manifest | None = None) -> Manifest:
        """Server-side apply. `over` is the object of ours that is there already: then our fields win over whoever
        changed them; without it, a field that somebody else holds is TerminalError Conflict."""

    def patch(self, manifest: Manifest, changes: Mapping[str, Any]) -> Manifest:
        """JSON merge patch of an object as it was read: a change in between is RetryableError, not overwritten."""

    def delete(self, manifest: Manifest) -> None:
        """Also when it is gone already; dependents follow in the background."""

    def logs(self, pod: Manifest) -> str:
        """What the pod's container has printed; empty while it has not started."""

    def presented_certificate(self) -> str:
        """Who answers at the endpoint, trusted or not, beside the authority that is trusted: for people to read.

        Raises nothing, and sends nothing: "nothing that can be read" when there is no certificate to see.
        """


def kubernetes_api(target: Target, cluster_name: str) -> "ClusterApi":
    """The API of the target's cluster, as the target's role.

    Raises: RetryableError NotYetConsistent while the cluster has no endpoint; ClientError from DescribeCluster.
    """
    return api_of(target, target.client("eks").describe_cluster(name=cluster_name)["cluster"])


def api_of(target: Target, cluster: "ClusterTypeDef") -> "ClusterApi":
    """The API of a cluster as EKS describes it, as the target's role.

    Raises: RetryableError NotYetConsistent while the cluster has no endpoint.
    Source: EKS API, DescribeCluster, Cluster.endpoint and certificateAuthority (absent until the cluster is ACTIVE).
    """
    cluster_name = cluster["name"]
    endpoint = cluster.get("endpoint")
    ca_base64 = cluster.get("certificateAuthority", {}).get("data")
    if not endpoint or not ca_base64:
        raise RetryableError(
            ErrorReason.NOT_YET_CONSISTENT,
            f"cluster {cluster_name} has no endpoint yet",
            remedy="it has one when it is ACTIVE",
        )

    def sign(now: datetime) -> Token:
        return Token.signed(
            target.botocore_session,
            region=target.region,
            partition=target.partition,
            cluster_name=cluster_name,
            now=now,
        )

    return ClusterApi(endpoint, base64.b64decode(ca_base64).decode(), TokenSource(sign).current)


class ClusterApi:
    """KubernetesApi over the official client."""

    def __init__(self, endpoint: str, ca_pem: str, bearer_token: Callable[[], str]) -> None:
        self._endpoint, self._ca_pem = endpoint, ca_pem
        self._client = dynamic_client(endpoint, ca_pem, bearer_token)
        self._resources = resources(self._client)

    def get(self, kind: str, name: str, namespace: str | None = None) -> Manifest | None:
        try:
            return self._object("get", kind, name=name, namespace=namespace)
        except ApiException as error:
            if error.status == 404:
                return None
            raise boundary_error(error, f"get {kind} {name}") from error

    def list(
        self, kind: str, namespace: str | None = None, *, labels: str | None = None, fields: str | None = None
    ) -> list[Manifest]:
        try:
            answer = self._call("get", kind, namespace=namespace, label_selector=labels, field_selector=fields)
        except ApiException as error:
            raise boundary_error(error, f"list {kind}") from error
        # Items of a list carry neither; every object here says what it is.
        return [{"apiVersion": answer["apiVersion"], "kind": kind, **item} for item in answer["items"]]

    def apply(self, manifest: Manifest, *, over: Manifest | None = None) -> Manifest:
        metadata = manifest["metadata"]
        try:
            return self._object(
                "server_side_apply",
                manifest["kind"],
                body=manifest,
                name=metadata["name"],
                namespace=metadata.get("namespace"),
                field_manager=FIELD_MANAGER,
                force_conflicts=over is not None,
            )
        except ApiException as error:
            doing = f"apply {manifest['kind']} {metadata['name']}"
            raise boundary_error(error, doing, over_existing=over is not None) from error

    def patch(self, manifest: Manifest, changes: Mapping[str, Any]) -> Manifest:
        metadata = manifest["metadata"]
        try:
            return self._object(
                "patch",
                manifest["kind"],
                body={**changes, "metadata": {"resourceVersion": metadata["resourceVersion"]}},
                name=metadata["name"],
                namespace=metadata.get("namespace"),
                content_type="application/merge-patch+json",
                field_manager=FIELD_MANAGER,
            )
        except ApiException as error:
            doing = f"patch {manifest['kind']} {metadata['name']}"
            raise boundary_error(error, doing, over_existing=True) from error

    def delete(self, manifest: Manifest) -> None:
        metadata = manifest["metadata"]
        try:
            self._call(
                "delete",
                manifest["kind"],
                name=metadata["name"],
                namespace=metadata.get("namespace"),
                propagation_policy="Background",
            )
        except ApiException as error:
            if error.status != 404:
                raise boundary_error(error, f"delete {manifest['kind']} {metadata['name']}") from error

    def logs(self, pod: Manifest) -> str:
        metadata = pod["metadata"]
        path = f"{self._resources['Pod'].path(name=metadata['name'], namespace=metadata['namespace'])}/log"
        try:
            query = [("limitBytes", LOGS_BYTES)]
            return self._answered(
                lambda: self._client.request("get", path, query_params=query, **self._options(LOGS_READ_SECONDS))
            ).decode(errors="replace")
        except ApiException as error:
            # 400: the container is waiting to start; 404: the pod has just gone.
            if error.status in (400, 404):
                return ""
            raise boundary_error(error, f"logs of Pod {metadata['name']}") from error

    def presented_certificate(self) -> str:
        pool = self._client.client.rest_client.pool_manager
        presented = presented_certificate(pool, self._endpoint) or "nothing that can be read"
        return f"{presented}, and DescribeCluster names the authority {authority_name(self._ca_pem)}"

    def _object(self, verb: str, kind: str, **arguments: Any) -> Manifest:
        answer: Manifest = self._call(verb, kind, **arguments)
        return answer

    def _call(self, verb: str, kind: str, **arguments: Any) -> Any:
        method = getattr(self._client, verb)
        body = self._answered(lambda: method(self._resources[kind], **arguments, **self._options()))
        try:
            return json.loads(body)
        except ValueError:  # half a body, or what a proxy on the way says
            raise UnsettledError(
                ErrorReason.SERVICE_UNAVAILABLE,
                f"{verb} {kind}: what came back is no answer of the cluster's API",
                remedy="the same call is made again",
            ) from None

    def _options(self, read_seconds: int = READ_SECONDS) -> dict[str, Any]:
        # serialize=False: plain JSON, not the client's wrapper objects.
        return {"serialize": False, "_request_timeout": (CONNECT_SECONDS, read_seconds)}

    def _answered(self, call: Callable[[], Any]) -> bytes:
        try:
            body: bytes = call().data  # reads it: the body comes only here, within the same time limit
            return body
        except HTTPError as error:
            raise connection_error(error) from error
