"""Who may do what: bearer tokens by aws-iam-authenticator's rules, and RBAC."""

from __future__ import annotations

from tests.kubernetes.differential import MERGE, Conversation, case
from tests.kubernetes.manifests import NAMESPACED, PATHS, manifest

PODS = NAMESPACED["Pod"]
REFUSED = ("garbage", "", "other-cluster", "expired", "padded", "no-access-entry", "unknown-key", "forged")


def _refused(token: str) -> None:
    @case(f"a caller with {f'the token {token!r}' if token else 'no token'} is unauthorized")
    def refuse(api: Conversation) -> None:
        answer = api.send("GET", PODS, token=api.tokens[token])
        assert answer["code"] == 401
        api.send("GET", "/api/v1/namespaces/nowhere/unknowns", token=api.tokens[token])
        api.send("POST", PODS, manifest("Pod", "p", api.name), token=api.tokens[token])


for each in REFUSED:
    _refused(each)


@case("an EKS token with the cluster-admin policy may do everything")
def administrator(api: Conversation) -> None:
    token = api.tokens["cluster-admin"]
    name = f"{api.name}-v"
    assert api.send("POST", PATHS["PersistentVolume"], manifest("PersistentVolume", name, ""), token=token)["kind"]
    api.apply(f"{PATHS['StorageClass']}/{name}", manifest("StorageClass", name, ""))
    api.send("DELETE", f"{PATHS['StorageClass']}/{name}", token=token)
    api.send("POST", PODS, manifest("Pod", "p", api.name), token=token)
    api.send("GET", f"{PODS}/p", token=token)


@case("an EKS token with the view policy reads what is in namespaces and nothing else")
def viewer(api: Conversation) -> None:
    token = api.tokens["viewer"]
    api.send("POST", PODS, manifest("Pod", "p", api.name))
    for path in (f"{PODS}/p", PODS, NAMESPACED["PersistentVolumeClaim"], NAMESPACED["Deployment"], *PATHS.values()):
        api.send("GET", f"{path}?labelSelector=case=none" if not path.endswith("/p") else path, token=token)
    api.send("POST", PODS, manifest("Pod", "q", api.name), token=token)
    api.send("DELETE", f"{PODS}/p", token=token)
    api.send("PATCH", f"{PODS}/p", {}, content_type=MERGE, token=token)
    api.send("PUT", f"{PODS}/p/status", manifest("Pod", "p", api.name), token=token)
    api.send("DELETE", PODS, token=token)
    api.send("GET", f"{PODS}/missing", token=token)
    api.send("GET", "/api/v1/namespaces/nowhere/pods", token=token)
    api.send("GET", "/api/v1/namespaces/{name}/secrets", token=token)
    api.send("GET", f"{PODS}/missing/log", token=token)


@case("an EKS token with the admin view policy reads everything and changes nothing")
def viewer_of_all(api: Conversation) -> None:
    token = api.tokens["viewer-of-all"]
    for kind in ("PersistentVolume", "StorageClass", "CSIDriver"):
        name = f"{api.name}-a"
        api.send("POST", PATHS[kind], manifest(kind, name, ""))
        assert api.send("GET", f"{PATHS[kind]}/{name}", token=token)["kind"] == kind
        assert api.send("PATCH", f"{PATHS[kind]}/{name}", {}, content_type=MERGE, token=token)["code"] == 403
        assert api.send("DELETE", f"{PATHS[kind]}/{name}", token=token)["code"] == 403
    assert api.send("POST", PATHS["StorageClass"], manifest("StorageClass", "s", ""), token=token)["code"] == 403
    for path in (*PATHS.values(), *NAMESPACED.values()):
        api.send("GET", f"{path}?labelSelector=case=none", token=token)
    api.send("GET", f"{PODS}/missing/log", token=token)
    api.send("POST", PODS, manifest("Pod", "p", api.name), token=token)
    api.send("DELETE", PODS, token=token)


@case("who may not ask for a resource is not told whether it is served")
def unserved(api: Conversation) -> None:
    token = api.tokens["viewer"]
    for path in ("/api/v1/namespaces/{name}/unknowns", "/apis/unknown.example.com/v1/things", "/api/v9/pods"):
        api.send("GET", path, token=token)
        api.send("PUT", path, {}, token=token)
    api.send("PUT", PODS, {}, token=token)
    api.send("GET", f"{PODS}/p/unknown", token=token)


@case("an EKS token with the edit policy changes workloads but no volumes and no namespaces")
def editor(api: Conversation) -> None:
    token = api.tokens["editor"]
    for kind in NAMESPACED:
        api.send("POST", NAMESPACED[kind], manifest(kind, "e", api.name), token=token)
    for kind in ("PersistentVolume", "StorageClass", "CSIDriver", "Namespace", "Node"):
        name = f"{api.name}-e"
        api.send("POST", PATHS[kind], manifest(kind, name, ""), token=token)
    api.send("DELETE", f"{PODS}/e?gracePeriodSeconds=0", token=token)


@case("an access entry without policy authenticates and may do nothing but ask who it is")
def no_policy(api: Conversation) -> None:
    token = api.tokens["no-policy"]
    api.send("GET", PODS, token=token)
    api.send("GET", PATHS["CSIDriver"], token=token)
    api.send("POST", PATHS["Namespace"], manifest("Namespace", "n", ""), token=token)
