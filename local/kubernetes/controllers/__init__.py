"""The controllers of kube-controller-manager that our objects meet, for the embedded API only."""

from collections.abc import Coroutine
from typing import Any

from local.kubernetes.controllers.deployments import DeploymentController
from local.kubernetes.controllers.garbage import GarbageCollector
from local.kubernetes.controllers.loop import Controller
from local.kubernetes.controllers.namespaces import NamespaceController
from local.kubernetes.controllers.protection import ProtectionController
from local.kubernetes.controllers.replicasets import ReplicaSetController
from local.kubernetes.controllers.resource_quotas import ResourceQuotaController
from local.kubernetes.controllers.volumes import VolumeBinder
from local.kubernetes.http_api import KubernetesApi
from local.kubernetes.informer import Informer


class Controllers:
    """All of them over shared informers, the pods' one given."""

    def __init__(self, api: KubernetesApi, pods: Informer) -> None:
        resources = (
            "deployments",
            "replicasets",
            "persistentvolumes",
            "persistentvolumeclaims",
            "namespaces",
            "resourcequotas",
        )
        self._informers = {resource: Informer(api, resource) for resource in resources}
        informers = {**self._informers, "pods": pods}
        self._controllers: list[Controller] = [
            VolumeBinder(api, informers),
            ProtectionController(api, informers),
            DeploymentController(api, informers),
            ReplicaSetController(api, informers),
            GarbageCollector(api, informers),
            NamespaceController(api, informers),
            ResourceQuotaController(api, informers),
        ]

    @property
    def informers(self) -> list[Informer]:
        return list(self._informers.values())

    def loops(self) -> list[Coroutine[Any, Any, None]]:
        return [controller.run() for controller in self._controllers]
