"""The client's edges: what a refusal means, and what goes into a call. No sockets: the transport is replaced."""

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest
import urllib3.exceptions
from kubernetes.client.exceptions import ApiException

from provisioner.aws.session import Target
from provisioner.errors import BoundaryError, ErrorReason, RetryableError, TerminalError, UnsettledError
from provisioner.kubernetes import client as client_module
from provisioner.kubernetes.client import ClusterApi, kubernetes_api
from provisioner.kubernetes.dynamic import resources
from provisioner.kubernetes.errors import AccessNotYetEffective, boundary_error
from tests.unit.kubernetes.test_token import a_session

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "default", "resourceVersion": "7"}}


def refusal(status: int, reason: str = "", message: str = "", causes: list[dict[str, str]] | None = None) -> Any:
    error = ApiException(status=status, reason=reason)
    error.body = json.dumps({"kind": "Status", "reason": reason, "message": message, "details": {"causes": causes}})
    return error


class Transport:
    """Stands where DynamicClient does; records calls, answers or refuses."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer if answer is not None else {}
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, verb: str) -> Any:
        def call(*positional: Any, **arguments: Any) -> Any:
            self.calls.append((verb, arguments))
            if isinstance(self.answer, Exception):
                raise self.answer
            data = self.answer if isinstance(self.answer, bytes) else json.dumps(self.answer).encode()
            return SimpleNamespace(data=data)

        return call


def api_over(transport: Transport, monkeypatch: pytest.MonkeyPatch) -> ClusterApi:
    monkeypatch.setattr(client_module, "dynamic_client", lambda *_: transport)
    return ClusterApi("https://example", "ca", lambda: "token")


@pytest.mark.parametrize("status", [401, 403])
def test_a_caller_that_is_not_let_in_is_access_not_yet_effective(status: int) -> None:
    assert isinstance(boundary_error(refusal(status), "get"), AccessNotYetEffective)


REFUSED = {
    "quota": (403, 'pods "p" is forbidden: exceeded quota: q, requested: pods=1, used: pods=4, limited: pods=4'),
    "duty": (403, 'pods "p" is forbidden: failed quota: q: must specify limits.cpu for: c; limits.memory for: c'),
    "level": (403, 'pods "p" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true (pod or …)'),
    "range": (403, 'pods "p" is forbidden: minimum memory usage per Container is 1Gi, but request is 256Mi'),
    "claim": (403, 'persistentvolumeclaims "c" is forbidden: exceeded quota: q, requested: requests.storage=5Gi, …'),
    "webhook": (403, 'admission webhook "validation.gatekeeper.sh" denied the request: [ns-must-have-owner] …'),
    "webhook's own code": (
        400,
        'admission webhook "vpod.kb.io" denied the request: the image is not from our registry',
    ),
    "policy": (422, "pods \"p\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: failed …"),
}


@pytest.mark.parametrize(("status", "message"), REFUSED.values(), ids=REFUSED)
def test_what_admission_refuses_is_final_in_its_own_words(status: int, message: str) -> None:
    error = boundary_error(refusal(status, "Forbidden", message), "apply Pod p", over_existing=True)
    assert isinstance(error, TerminalError)
    assert error.reason == ErrorReason.ADMISSION_REFUSED
    assert message in error.subject


@pytest.mark.parametrize(
    "message",
    [
        'pods is forbidden: User "arn:aws:sts::1:assumed-role/r/s" cannot list resource "pods" in API group ""',
        'forbidden: User "system:anonymous" cannot get path "/"',
        "",
    ],
)
def test_what_rbac_refuses_may_be_an_access_entry_that_is_young(message: str) -> None:
    assert isinstance(boundary_error(refusal(403, "Forbidden", message), "list Pod"), AccessNotYetEffective)


@pytest.mark.parametrize(
    "message",
    [
        'pods "p" is forbidden: error looking up service account n/default: serviceaccount "default" not found',
        'pods "p" is forbidden: status unknown for quota: q, resources: pods',
    ],
)
def test_a_refusal_that_waits_for_what_is_being_made_is_repeated(message: str) -> None:
    error = boundary_error(refusal(403, "Forbidden", message), "apply Pod p")
    assert isinstance(error, RetryableError)
    assert error.reason == ErrorReason.NOT_YET_CONSISTENT


def test_a_namespace_that_is_going_may_come_again() -> None:
    message = 'pods "p" is forbidden: unable to create new content in namespace n because it is being terminated'
    causes = [{"reason": "NamespaceTerminating", "field": "metadata.namespace"}]
    assert isinstance(boundary_error(refusal(403, "Forbidden", message, causes), "apply Pod p"), RetryableError)


def test_a_long_refusal_loses_its_middle_and_a_url_its_query() -> None:
    message = f"first words {'x' * 5000} https://layers.s3.amazonaws.com/a?X-Amz-Signature=secret and the last words"
    said = str(boundary_error(refusal(500, "InternalError", message), "apply Pod p"))
    assert "first words" in said
    assert "https://layers.s3.amazonaws.com/a?… and the last words" in said
    assert "secret" not in said
    assert len(said) < 1700


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (0, UnsettledError, ErrorReason.SERVICE_UNAVAILABLE),
        (404, RetryableError, ErrorReason.NOT_YET_CONSISTENT),
        (409, RetryableError, ErrorReason.NOT_YET_CONSISTENT),
        (429, RetryableError, ErrorReason.THROTTLED),
        (500, UnsettledError, ErrorReason.SERVICE_UNAVAILABLE),
        (503, UnsettledError, ErrorReason.SERVICE_UNAVAILABLE),
    ],
)
def test_what_may_pass_is_repeated_a_failing_cluster_for_minutes(status: int, kind: type, reason: ErrorReason) -> None:
    error = boundary_error(refusal(status), "apply Pod p")
    assert type(error) is kind
    assert isinstance(error, BoundaryError)
    assert error.reason == reason


@pytest.mark.parametrize("status", [400, 405, 410, 413, 415, 422])
def test_what_cannot_pass_is_terminal(status: int) -> None:
    error = boundary_error(refusal(status, "Invalid", "name: wrong"), "apply Pod p")
    assert isinstance(error, TerminalError)
    assert error.reason == ErrorReason.REJECTED
    assert "name: wrong" in error.subject


def test_a_field_that_cannot_change_on_our_own_object_is_immutable() -> None:
    error = boundary_error(refusal(422, "Invalid", "field is immutable"), "apply", over_existing=True)
    assert isinstance(error, TerminalError)
    assert error.reason == ErrorReason.IMMUTABLE


def test_a_conflict_names_the_manager_and_the_fields() -> None:
    cause = {"reason": "FieldManagerConflict", "message": 'conflict with "kubectl"', "field": ".spec.attachRequired"}
    error = boundary_error(refusal(409, "Conflict", "Apply failed", [cause]), "apply CSIDriver x")
    assert isinstance(error, TerminalError)
    assert error.reason == ErrorReason.CONFLICT
    assert 'conflict with "kubectl": .spec.attachRequired' in error.subject


def test_an_answer_that_is_not_a_status_object_is_no_second_error() -> None:
    error = ApiException(status=502, reason="Bad Gateway")
    error.body = "<html>"
    assert "Bad Gateway" in str(boundary_error(error, "list Pod"))


def test_an_api_that_cannot_be_reached_is_retryable(monkeypatch: pytest.MonkeyPatch) -> None:
    unreachable = urllib3.exceptions.NewConnectionError(cast(Any, None), "refused")
    with pytest.raises(UnsettledError, match="could not be reached"):
        api_over(Transport(unreachable), monkeypatch).get("Pod", "p", "default")


@pytest.mark.parametrize("body", [b'{"items": [{"me<html>Bad Gateway</html>', b"\xff", b""])
def test_half_an_answer_is_asked_for_again(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnsettledError, match="get Pod: what came back is no answer of the cluster's API"):
        api_over(Transport(body), monkeypatch).list("Pod")


def test_absence_is_an_answer_to_get_delete_and_logs_only(monkeypatch: pytest.MonkeyPatch) -> None:
    api = api_over(Transport(refusal(404)), monkeypatch)
    assert api.get("Pod", "p", "default") is None
    assert api.logs(POD) == ""
    api.delete(POD)
    with pytest.raises(RetryableError):
        api.list("Pod", "default")
    with pytest.raises(RetryableError):
        api.apply(POD)


def test_a_container_that_has_not_started_has_an_empty_log(monkeypatch: pytest.MonkeyPatch) -> None:
    assert api_over(Transport(refusal(400)), monkeypatch).logs(POD) == ""
    assert api_over(Transport("héllo\n".encode()), monkeypatch).logs(POD) == "héllo\n"


def test_of_a_log_no_more_is_read_than_a_proof_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    api = api_over(transport := Transport(b"x"), monkeypatch)
    api.logs(POD)
    assert transport.calls[-1][1]["query_params"] == [("limitBytes", 1024**2)]


def test_every_call_has_a_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    transport = Transport({"apiVersion": "v1", "items": []})
    api = api_over(transport, monkeypatch)
    api.get("Pod", "p", "default")
    api.list("Pod", "default")
    api.apply(POD)
    api.patch(POD, {"spec": {}})
    api.delete(POD)
    api.logs(POD)
    assert [verb for verb, _ in transport.calls] == ["get", "get", "server_side_apply", "patch", "delete", "request"]
    limits = [arguments["_request_timeout"] for _, arguments in transport.calls]
    assert limits == [(5, 20)] * 5 + [(5, 40)]


def test_only_an_object_of_ours_is_applied_over_with_force(monkeypatch: pytest.MonkeyPatch) -> None:
    transport = Transport({})
    api = api_over(transport, monkeypatch)
    api.apply(POD)
    api.apply(POD, over=POD)
    assert [arguments["force_conflicts"] for _, arguments in transport.calls] == [False, True]
    assert {arguments["field_manager"] for _, arguments in transport.calls} == {"eks-efs-provisioner"}


def test_a_patch_carries_the_version_that_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    transport = Transport({})
    api_over(transport, monkeypatch).patch(POD, {"spec": {"claimRef": None}})
    ((_, arguments),) = transport.calls
    assert arguments["body"] == {"spec": {"claimRef": None}, "metadata": {"resourceVersion": "7"}}


def test_objects_of_a_list_say_what_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = {"apiVersion": "apps/v1", "kind": "DeploymentList", "items": [{"metadata": {"name": "d"}}]}
    (found,) = api_over(Transport(answer), monkeypatch).list("Deployment", "default")
    assert found == {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}}


def test_addresses_of_objects_are_those_of_the_api() -> None:
    known = resources(None)
    assert known["Pod"].path(name="p", namespace="n") == "/api/v1/namespaces/n/pods/p"
    assert known["CSIDriver"].path(name="d") == "/apis/storage.k8s.io/v1/csidrivers/d"
    assert known["Deployment"].path(namespace="n") == "/apis/apps/v1/namespaces/n/deployments"


class Eks:
    def __init__(self, cluster: dict[str, Any]) -> None:
        self.cluster = cluster

    def describe_cluster(self, name: str) -> dict[str, Any]:
        return {"cluster": {"name": name, **self.cluster}}


def target_with(cluster: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Target:
    target = Target(a_session(), account_id="111122223333", region="eu-west-1", role_prefix="p")
    monkeypatch.setattr(target, "client", lambda _service: Eks(cluster))
    return target


def test_a_cluster_without_an_endpoint_yet_is_retryable(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RetryableError, match="no endpoint yet"):
        kubernetes_api(target_with({"status": "CREATING"}, monkeypatch), "eks-example")


def test_the_api_is_the_clusters_own_with_its_certificate_and_a_token_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(client_module, "dynamic_client", lambda *arguments: seen.extend(arguments))
    cluster = {"endpoint": "https://ABC.eks.example", "certificateAuthority": {"data": "LS0tLS1DQQ=="}}
    kubernetes_api(target_with(cluster, monkeypatch), "eks-example")
    endpoint, ca_pem, bearer_token = seen
    assert (endpoint, ca_pem) == ("https://ABC.eks.example", "-----CA")
    assert bearer_token().startswith("k8s-aws-v1.")
