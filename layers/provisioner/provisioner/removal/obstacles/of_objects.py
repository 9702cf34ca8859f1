"""What people run in the cluster that strands resources outside it, or holds the claim."""

from collections.abc import Iterator

from provisioner.kubernetes import storage_removal, unlisted
from provisioner.kubernetes.client import KubernetesApi, Manifest
from provisioner.kubernetes.verification_objects import RUN_LABEL
from provisioner.removal.obstacles.model import Kind, Obstacle
from provisioner.request import Request

LOAD_BALANCER_SERVICE = Kind(
    rule="load-balancer-service",
    what="Service {name} has a load balancer",
    holds="with the cluster goes what would remove that and its interfaces: they would stay, and hold the network",
    owner="whoever published an application of this cluster",
    looked_at="Services of the cluster",
    fix="kubectl delete service {flags}, and wait until its load balancer is gone",
    source="EKS user guide, Delete a cluster: services with an EXTERNAL-IP first",
)
POD_ON_CLAIM = Kind(
    rule="pod-on-claim",
    what="pod {name} uses the claim {claim}",
    holds="Kubernetes does not let the claim go before it, and it may be writing",
    owner="whoever runs that application",
    looked_at="pods of the claim's namespace",
    fix="stop what runs {name} (kubectl scale, or delete its Deployment or Job)",
    source="Kubernetes documentation, Storage Object in Use Protection",
)
HELD_OBJECT = Kind(
    rule="held-object",
    what="{name} is being deleted, and does not go: {by}",
    holds="what it stands for may still be needed by whoever holds it",
    owner="the controller that the finalizer is named after, or whoever ran it in this cluster",
    looked_at="the storage objects' finalizers and conditions",
    fix="let that controller do its part; if nothing runs it any more, take its finalizer off (kubectl edit)",
    source="Kubernetes documentation, Finalizers; kubernetes/kubernetes#60807 (namespaces that stay Terminating)",
)
KINDS = (LOAD_BALANCER_SERVICE, POD_ON_CLAIM, HELD_OBJECT)


def look(request: Request, api: KubernetesApi) -> Iterator[Obstacle]:
    """Raises: what KubernetesApi raises."""
    for service in api.list("Service"):
        if service["spec"].get("type") == "LoadBalancer":
            namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
            yield LOAD_BALANCER_SERVICE.found(
                f"type of {namespace}/{name} is LoadBalancer, reached at {_address_of(service)}",
                name=f"{namespace}/{name}",
                flags=f"{name} --namespace {namespace}",
            )
    listed = [(one.storage.namespace, one.storage.claim) for one in request.of_each_volume]
    others = filter(None, map(unlisted.claim_of, unlisted.find(request, api)))
    for namespace, claim in dict.fromkeys([*listed, *others]):
        for pod in api.list("Pod", namespace):
            if _uses(pod, claim) and _is_somebody_elses(pod):
                name = f"{namespace}/{pod['metadata']['name']}"
                saw = f"{name} mounts {claim} and is {pod.get('status', {}).get('phase', 'unknown')}"
                yield POD_ON_CLAIM.found(saw, name=name, claim=f"{namespace}/{claim}")
    for found, by in storage_removal.held(request, api):
        name, since = storage_removal.name_of(found), found["metadata"]["deletionTimestamp"]
        yield HELD_OBJECT.found(f"{name} is being deleted since {since}", name=name, by=by)


def _address_of(service: Manifest) -> str:
    reached_at = service.get("status", {}).get("loadBalancer", {}).get("ingress") or [{}]
    return str(reached_at[0].get("hostname") or reached_at[0].get("ip") or "no address yet")


def _uses(pod: Manifest, claim: str) -> bool:
    volumes = pod["spec"].get("volumes", [])
    return any(each.get("persistentVolumeClaim", {}).get("claimName") == claim for each in volumes)


def _is_somebody_elses(pod: Manifest) -> bool:
    """Not a verification's, and not one that has ended: Kubernetes counts those as no longer using it."""
    ended = pod.get("status", {}).get("phase") in ("Succeeded", "Failed")
    return not ended and RUN_LABEL not in pod["metadata"].get("labels", {})
