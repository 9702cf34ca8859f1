"""The storage objects in the cluster, and what Kubernetes said about the pods of the run."""

from collections.abc import Iterable

from provisioner.diagnosis.live.connection import Connection
from provisioner.diagnosis.once import once
from provisioner.kubernetes.client import Manifest
from provisioner.kubernetes.pods import is_held_by_default_scheduler, is_leaving
from provisioner.kubernetes.storage_objects import CSI_DRIVER
from provisioner.kubernetes.verification_objects import pods_of
from provisioner.request import Request

DNS_LABELS = {"k8s-app": "kube-dns", "eks.amazonaws.com/component": "coredns"}
"""Of CoreDNS's pods, as EKS makes them."""


class LiveObjects:
    def __init__(self, request: Request, run_id: str, connection: Connection) -> None:
        self._request = request
        self._run_id = run_id
        self._connection = connection

    @once
    def csi_driver(self) -> Manifest | None:
        return self._connection.api.get("CSIDriver", CSI_DRIVER)

    @once
    def namespace(self) -> Manifest | None:
        return self._connection.api.get("Namespace", self._request.storage.namespace)

    @once
    def quotas(self) -> list[Manifest]:
        return self._connection.api.list("ResourceQuota", self._request.storage.namespace)

    @once
    def limit_ranges(self) -> list[Manifest]:
        return self._connection.api.list("LimitRange", self._request.storage.namespace)

    @once
    def validating_webhooks(self) -> list[Manifest]:
        return self._connection.api.list("ValidatingWebhookConfiguration")

    def has_service(self, namespace: str, name: str) -> bool:
        return self._connection.api.get("Service", name, namespace) is not None

    @once
    def storage_class(self) -> Manifest | None:
        return self._connection.api.get("StorageClass", self._request.storage.storage_class)

    @once
    def volume(self) -> Manifest | None:
        return self._connection.api.get("PersistentVolume", self._request.storage.persistent_volume)

    @once
    def claim(self) -> Manifest | None:
        storage = self._request.storage
        return self._connection.api.get("PersistentVolumeClaim", storage.claim, storage.namespace)

    @once
    def pods(self) -> list[Manifest]:
        """Of the run; none after a failed verification, which removes them."""
        return pods_of(self._connection.api, self._request, self._run_id)

    @once
    def held_pods(self) -> list[str]:
        """Names of those that only the default scheduler has looked at, and that are to stay."""
        return _held(self.pods, self.warnings)

    @once
    def held_dns_pods(self) -> list[str]:
        """The same, of CoreDNS's."""
        labels = [(pod, pod["metadata"].get("labels") or {}) for pod in self.system_pods]
        return _held([pod for pod, each in labels if DNS_LABELS.items() <= each.items()], self.dns_warnings)

    @once
    def system_pods(self) -> list[Manifest]:
        return self._connection.api.list("Pod", "kube-system")

    @once
    def nodes(self) -> list[Manifest]:
        return self._connection.api.list("Node")

    @once
    def all_pods(self) -> list[Manifest]:
        """Of all namespaces, teams' own among them."""
        return self._connection.api.list("Pod")

    @once
    def warnings(self) -> list[Manifest]:
        """Warning events about the run's objects, latest first; they outlive the pods by an hour."""
        events = self._connection.api.list("Event", self._request.storage.namespace)
        about_run = [
            each for each in events if f"-{self._run_id}-" in str((each.get("involvedObject") or {}).get("name", ""))
        ]
        return _latest_warnings(about_run)

    @once
    def dns_warnings(self) -> list[Manifest]:
        """Warning events about CoreDNS's pods, latest first: Fargate must take them too."""
        events = self._connection.api.list("Event", "kube-system")
        return _latest_warnings(
            each for each in events if str((each.get("involvedObject") or {}).get("name", "")).startswith("coredns-")
        )


def _held(pods: Iterable[Manifest], warnings: Iterable[Manifest]) -> list[str]:
    refused = {event["involvedObject"]["name"] for event in warnings if said_by(event) == "fargate-scheduler"}
    held = [pod for pod in pods if is_held_by_default_scheduler(pod) and not is_leaving(pod)]
    return [name for pod in held if (name := pod["metadata"]["name"]) not in refused]


def _latest_warnings(events: Iterable[Manifest]) -> list[Manifest]:
    warnings = [each for each in events if each.get("type") == "Warning"]
    return sorted(warnings, key=lambda event: str(event.get("lastTimestamp") or ""), reverse=True)


def said_by(event: Manifest) -> str:
    """The component that reported the event."""
    return str(event.get("reportingComponent") or (event.get("source") or {}).get("component") or "")
