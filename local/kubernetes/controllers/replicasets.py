"""ReplicaSet -> pods."""

from typing import Any, ClassVar

from local.kubernetes.controllers.loop import MANAGER, Controller
from local.kubernetes.events import EventRecorder
from local.kubernetes.http_api import ApiError
from local.kubernetes.objects import Object, controller_of, is_deleting, is_finished, is_ready, uid_of


class ReplicaSetController(Controller):
    """Keeps the wanted number of pods that are neither finished nor on their way out."""

    watches: ClassVar[tuple[str, ...]] = ("replicasets", "pods")

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._events = EventRecorder(self.api, "replicaset-controller")
        self._deleted: set[str] = set()  # asked for; the watch has not shown it yet

    async def reconcile(self) -> None:
        self._deleted &= {uid_of(pod) for pod in self.all("pods")}
        for replica_set in self.all("replicasets"):
            if not is_deleting(replica_set):
                await self._sync(replica_set)

    async def _sync(self, replica_set: Object) -> None:
        pods = self._active(replica_set)
        wanted = replica_set["spec"].get("replicas", 1)
        for _ in range(wanted - len(pods)):
            pods.append(await self._create(replica_set))
        if len(pods) > wanted:
            # those that serve least go first, the youngest before the older
            pods.sort(key=lambda pod: (bool(pod["spec"].get("nodeName")), is_ready(pod)))
            for pod in pods[: len(pods) - wanted]:
                self._deleted.add(uid_of(pod))
                await self.api.delete("pods", pod)
                message = f"Deleted pod: {pod['metadata']['name']}"
                await self._events.normal(replica_set, "SuccessfulDelete", message)
            pods = self._active(replica_set)
        await self._write_status(replica_set, pods)

    def _active(self, replica_set: Object) -> list[Object]:
        return [
            pod
            for pod in self.all("pods")
            if (owner := controller_of(pod))
            and owner["uid"] == uid_of(replica_set)
            and not is_deleting(pod)
            and not is_finished(pod)
            and uid_of(pod) not in self._deleted
        ]

    async def _create(self, replica_set: Object) -> Object:
        metadata, template = replica_set["metadata"], replica_set["spec"]["template"]
        owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": metadata["name"], "uid": metadata["uid"]}
        given = template.get("metadata") or {}
        body = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                **{key: given[key] for key in ("labels", "annotations") if given.get(key)},
                "generateName": f"{metadata['name']}-",
                "namespace": metadata["namespace"],
                "ownerReferences": [{**owner, "controller": True, "blockOwnerDeletion": True}],
            },
            "spec": template["spec"],
        }
        try:
            pod = await self.api.create("pods", body, metadata["namespace"], manager=MANAGER)
        except ApiError as error:
            await self._events.warning(replica_set, "FailedCreate", f"Error creating: {error}")
            raise
        self.informers["pods"].remember(pod)
        await self._events.normal(replica_set, "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}")
        return pod

    async def _write_status(self, replica_set: Object, pods: list[Object]) -> None:
        ready = sum(map(is_ready, pods))
        status = {
            "observedGeneration": replica_set["metadata"]["generation"],
            "replicas": len(pods),
            "fullyLabeledReplicas": len(pods),
            "readyReplicas": ready,
            "availableReplicas": ready,
        }
        before = replica_set.get("status", {})
        if any(before.get(key, 0) != value for key, value in status.items()) or "replicas" not in before:
            patched = await self.api.patch_status("replicasets", replica_set, status, manager=MANAGER)
            self.informers["replicasets"].remember(patched)
