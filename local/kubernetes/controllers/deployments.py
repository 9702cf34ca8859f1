"""Deployment -> ReplicaSets. A changed template is rolled out at once: the new set up, the old ones down."""

import hashlib
import json
from typing import ClassVar

from local.kubernetes.controllers.loop import MANAGER, Controller
from local.kubernetes.http_api import ApiError
from local.kubernetes.objects import Object, condition, controller_of, is_deleting, timestamp, uid_of

_REVISION = "deployment.kubernetes.io/revision"
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"  # Kubernetes' names spell no words
HASH_LABEL = "pod-template-hash"


def template_hash(template: Object) -> str:
    number = int.from_bytes(hashlib.sha256(json.dumps(template, sort_keys=True).encode()).digest())
    return "".join(_ALPHABET[number // len(_ALPHABET) ** place % len(_ALPHABET)] for place in range(10))


class DeploymentController(Controller):
    watches: ClassVar[tuple[str, ...]] = ("deployments", "replicasets")

    async def reconcile(self) -> None:
        for deployment in self.all("deployments"):
            if not is_deleting(deployment):
                await self._sync(deployment)

    async def _sync(self, deployment: Object) -> None:
        owned = [
            replica_set
            for replica_set in self.all("replicasets")
            if (owner := controller_of(replica_set)) and owner["uid"] == uid_of(deployment)
        ]
        spec = deployment["spec"]
        name = f"{deployment['metadata']['name']}-{template_hash(spec['template'])}"
        current = next((candidate for candidate in owned if candidate["metadata"]["name"] == name), None)
        old = [candidate for candidate in owned if candidate is not current]
        if not spec.get("paused"):
            if current is None:
                current = await self._create(deployment, name, _revision(owned) + 1)
            current = await self._make_newest(current, _revision(old) + 1)
            current = await self._scale(current, spec["replicas"])
            for replica_set in old:
                await self._scale(replica_set, 0)
            await self._forget_old(old, spec.get("revisionHistoryLimit", 10))
            await self._note_revision(deployment, current)
        await self._write_status(deployment, current, old)

    async def _create(self, deployment: Object, name: str, revision: int) -> Object:
        metadata, spec = deployment["metadata"], deployment["spec"]
        pod_hash = name.rpartition("-")[2]
        template, selector = spec["template"], spec["selector"]
        labels = {**(template.get("metadata", {}).get("labels") or {}), HASH_LABEL: pod_hash}
        owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": metadata["name"], "uid": metadata["uid"]}
        body = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": name,
                "namespace": metadata["namespace"],
                "labels": labels,
                "annotations": {_REVISION: str(revision)},
                "ownerReferences": [{**owner, "controller": True, "blockOwnerDeletion": True}],
            },
            "spec": {
                "replicas": spec["replicas"],
                "selector": {**selector, "matchLabels": {**(selector.get("matchLabels") or {}), HASH_LABEL: pod_hash}},
                "template": {**template, "metadata": {**template.get("metadata", {}), "labels": labels}},
            },
        }
        try:
            created = await self.api.create("replicasets", body, metadata["namespace"], manager=MANAGER)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
            created = await self.api.get("replicasets", metadata["namespace"], name)
        self.informers["replicasets"].remember(created)
        return created

    async def _make_newest(self, replica_set: Object, revision: int) -> Object:
        """One that was rolled back to is the newest again."""
        if _revision([replica_set]) >= revision:
            return replica_set
        body = {"metadata": {"annotations": {_REVISION: str(revision)}}}
        patched = await self.api.patch("replicasets", replica_set, body, manager=MANAGER)
        self.informers["replicasets"].remember(patched)
        return patched

    async def _scale(self, replica_set: Object, replicas: int) -> Object:
        if replica_set["spec"].get("replicas") == replicas or is_deleting(replica_set):
            return replica_set
        patched = await self.api.patch("replicasets", replica_set, {"spec": {"replicas": replicas}}, manager=MANAGER)
        self.informers["replicasets"].remember(patched)
        return patched

    async def _forget_old(self, old: list[Object], limit: int) -> None:
        empty = [replica_set for replica_set in old if not replica_set.get("status", {}).get("replicas")]
        empty.sort(key=lambda replica_set: _revision([replica_set]))
        for replica_set in empty[: max(0, len(empty) - limit)]:
            await self.api.delete("replicasets", replica_set)

    async def _note_revision(self, deployment: Object, current: Object) -> None:
        revision = (current["metadata"].get("annotations") or {}).get(_REVISION)
        if (deployment["metadata"].get("annotations") or {}).get(_REVISION) != revision:
            body = {"metadata": {"annotations": {_REVISION: revision}}}
            self.informers["deployments"].remember(
                await self.api.patch("deployments", deployment, body, manager=MANAGER)
            )

    async def _write_status(self, deployment: Object, current: Object | None, old: list[Object]) -> None:
        wanted = deployment["spec"]["replicas"]
        newest = (current or {}).get("status", {})
        every = [newest, *(replica_set.get("status", {}) for replica_set in old)]
        available = sum(status.get("availableReplicas", 0) for status in every)
        status: Object = {
            "observedGeneration": deployment["metadata"]["generation"],
            "replicas": sum(status.get("replicas", 0) for status in every),
            "updatedReplicas": newest.get("replicas", 0),
            "readyReplicas": sum(status.get("readyReplicas", 0) for status in every),
            "availableReplicas": available,
            "unavailableReplicas": max(0, wanted - available),
        }
        done = status["updatedReplicas"] == wanted == available == status["replicas"]
        name = f'ReplicaSet "{current["metadata"]["name"]}"' if current else "The new ReplicaSet"
        enough = available >= wanted
        before = deployment.get("status", {})
        status["conditions"] = _conditions(
            before.get("conditions") or [],
            [
                condition(
                    "Available",
                    enough,
                    "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable",
                    f"Deployment {'has' if enough else 'does not have'} minimum availability.",
                ),
                condition(
                    "Progressing",
                    True,
                    "NewReplicaSetAvailable" if done else "ReplicaSetUpdated",
                    f"{name} has successfully progressed." if done else f"{name} is progressing.",
                ),
            ],
        )
        changes = {key: value or None if isinstance(value, int) else value for key, value in status.items()}
        if any(before.get(key) != value for key, value in changes.items()):
            patched = await self.api.patch_status("deployments", deployment, changes, manager=MANAGER)
            self.informers["deployments"].remember(patched)


def _revision(replica_sets: list[Object]) -> int:
    numbers = [(r["metadata"].get("annotations") or {}).get(_REVISION, "0") for r in replica_sets]
    return max(map(int, numbers), default=0)


def _conditions(before: list[Object], current: list[Object]) -> list[Object]:
    """Unchanged conditions stay as they are, times included, or every look would be a change."""
    known = {entry["type"]: entry for entry in before}
    result = []
    for new in current:
        old = known.get(new["type"], {})
        if new.items() <= old.items():
            result.append(old)
        else:
            moved = old.get("lastTransitionTime") if old.get("status") == new["status"] else None
            result.append({**new, "lastUpdateTime": timestamp(), "lastTransitionTime": moved or timestamp()})
    return result
