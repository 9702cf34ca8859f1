"""What kube-apiserver fills in: the defaults of each kind, and what its usual admission plugins add.

Source: k8s.io/kubernetes pkg/apis/{core,apps,storage}/v1/defaults.go; admission StorageObjectInUseProtection,
Priority and DefaultTolerationSeconds.
"""

import datetime
import secrets
from collections.abc import Callable
from typing import Any

from local.kubernetes.embedded.quantities import canonical_quantity
from local.kubernetes.embedded.schema import Schema

Object = dict[str, Any]
_NODE_INFO = (
    "machineID",
    "systemUUID",
    "bootID",
    "kernelVersion",
    "osImage",
    "containerRuntimeVersion",
    "kubeletVersion",
    "kubeProxyVersion",
    "operatingSystem",
    "architecture",
)
_CONDITION_TIMES = {
    "Pod": ("lastProbeTime", "lastTransitionTime"),
    "Node": ("lastHeartbeatTime", "lastTransitionTime"),
    "PersistentVolumeClaim": ("lastProbeTime", "lastTransitionTime"),
    "Deployment": ("lastTransitionTime", "lastUpdateTime"),
    "ReplicaSet": ("lastTransitionTime",),
}
_UNREADY_TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


def set_defaults(schema: Schema, obj: Object) -> None:
    """Fills the object in place, as decoding it would."""
    _canonicalise(schema, obj)
    if defaults := _DEFAULTS.get(obj["kind"]):
        defaults(obj)
    # Times of these Go types are written even when they are not set.
    for condition in (obj.get("status") or {}).get("conditions") or []:
        _fill(condition, **dict.fromkeys(_CONDITION_TIMES.get(obj["kind"], ())))


def admit(obj: Object) -> None:
    """What admission adds to a new object; nobody owns these fields."""
    match obj["kind"]:
        case "PersistentVolume":
            _protect(obj, "kubernetes.io/pv-protection")
        case "PersistentVolumeClaim":
            _protect(obj, "kubernetes.io/pvc-protection")
        case "Pod":
            spec = obj["spec"]
            spec.setdefault("priority", 0)
            spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
            _tolerate_unready_nodes(spec)
        case "Service":
            _allocate(obj["spec"])
        case "Namespace":
            obj.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
        case "Node":
            taints = obj.setdefault("spec", {}).setdefault("taints", [])
            if not any(taint.get("key") == _UNREADY_TAINTS[0] for taint in taints):
                taints.append({"key": _UNREADY_TAINTS[0], "effect": "NoSchedule"})


def initial_status(obj: Object) -> Object | None:
    """The status a new object is born with; None where the kind has none to show."""
    match obj["kind"]:
        case "Namespace":
            return {"phase": "Active"}
        case "PersistentVolume":
            now = datetime.datetime.now(datetime.UTC)
            return {"phase": "Pending", "lastPhaseTransitionTime": now.strftime("%Y-%m-%dT%H:%M:%SZ")}
        case "PersistentVolumeClaim":
            return {"phase": "Pending"}
        case "Service":
            return {"loadBalancer": {}}
        case "Node":
            return {"daemonEndpoints": {"kubeletEndpoint": {"Port": 0}}, "nodeInfo": dict.fromkeys(_NODE_INFO, "")}
        case "Pod":
            return {"phase": "Pending", "qosClass": quality_of_service(obj["spec"])}
        case "ReplicaSet":
            return {"replicas": 0}
        case "Deployment" | "ResourceQuota":
            return {}
    return None


def quality_of_service(spec: Object) -> str:
    containers = [*spec.get("containers", []), *spec.get("initContainers", [])]
    resources = [container.get("resources", {}) for container in containers]
    named = [{**one.get("requests", {}), **one.get("limits", {})} for one in resources]
    if not any(name in one for one in named for name in ("cpu", "memory")):
        return "BestEffort"
    for one in resources:
        limits = one.get("limits", {})
        requests = {**limits, **one.get("requests", {})}
        if any(name not in limits or requests[name] != limits[name] for name in ("cpu", "memory")):
            return "Burstable"
    return "Guaranteed"


def _protect(obj: Object, finalizer: str) -> None:
    finalizers = obj["metadata"].setdefault("finalizers", [])
    if finalizer not in finalizers:
        finalizers.append(finalizer)


def _tolerate_unready_nodes(spec: Object) -> None:
    tolerations = spec.setdefault("tolerations", [])
    for taint in _UNREADY_TAINTS:
        if not any(one.get("key") in (taint, None) for one in tolerations):
            added = {"key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
            tolerations.append(added)


def _canonicalise(schema: Schema, value: Any) -> None:
    """Quantities are kept in canonical form, so "1024Mi" reads back as "1Gi"; empty maps and lists are not kept."""
    items: Any = enumerate(value) if isinstance(value, list) else list(value.items())
    for key, item in items:
        child = schema.items if isinstance(value, list) else schema.child(key)
        if child is None:
            continue
        if child.type == "quantity":
            value[key] = canonical_quantity(item) or item
        elif isinstance(item, dict | list) and child.type in ("object", "array"):
            _canonicalise(child, item)
            if not item and isinstance(value, dict) and child.is_collection and key not in schema.required:
                del value[key]


def _fill(target: Object, **defaults: Any) -> None:
    for name, value in defaults.items():
        target.setdefault(name, value)


def _namespace(obj: Object) -> None:
    if name := obj["metadata"].get("name"):
        obj["metadata"].setdefault("labels", {}).setdefault("kubernetes.io/metadata.name", name)


def _persistent_volume(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    _fill(spec, persistentVolumeReclaimPolicy="Retain", volumeMode="Filesystem")
    if "hostPath" in spec:
        spec["hostPath"].setdefault("type", "")


def _persistent_volume_claim(obj: Object) -> None:
    _fill(obj.setdefault("spec", {}), volumeMode="Filesystem")


def _storage_class(obj: Object) -> None:
    _fill(obj, reclaimPolicy="Delete", volumeBindingMode="Immediate")


def _csi_driver(obj: Object) -> None:
    _fill(
        obj.setdefault("spec", {}),
        attachRequired=True,
        podInfoOnMount=False,
        storageCapacity=False,
        fsGroupPolicy="ReadWriteOnceWithFSType",
        volumeLifecycleModes=["Persistent"],
        requiresRepublish=False,
        seLinuxMount=False,
        preventPodSchedulingIfMissing=False,
    )


def _event(obj: Object) -> None:
    """Go writes these even when they are not set."""
    _fill(obj, eventTime=None, firstTimestamp=None, lastTimestamp=None)
    _fill(obj, source={}, reportingComponent="", reportingInstance="")


def _resource_quota(obj: Object) -> None:
    obj.setdefault("spec", {})


def _limit_range(obj: Object) -> None:
    for limit in obj.setdefault("spec", {}).setdefault("limits", None) or []:
        if limit.get("type") == "Container":
            default = {**(limit.get("max") or {}), **(limit.get("default") or {})}
            request = {**(limit.get("min") or {}), **default, **(limit.get("defaultRequest") or {})}
            limit.update({key: value for key, value in (("default", default), ("defaultRequest", request)) if value})


def _validating_webhooks(obj: Object) -> None:
    for webhook in obj.get("webhooks") or []:
        _fill(webhook, failurePolicy="Fail", matchPolicy="Equivalent", timeoutSeconds=10)
        _fill(webhook, namespaceSelector={}, objectSelector={})
        for rule in webhook.get("rules") or []:
            rule.setdefault("scope", "*")
        if service := webhook.get("clientConfig", {}).get("service"):
            service.setdefault("port", 443)


def _pod(obj: Object) -> None:
    _pod_spec(obj.setdefault("spec", {}))
    for container in [*obj["spec"].get("containers", []), *obj["spec"].get("initContainers", [])]:
        resources = container["resources"]
        if "limits" in resources:
            resources["requests"] = {**resources["limits"], **resources.get("requests", {})}
    obj["spec"].setdefault("enableServiceLinks", True)
    status = obj.get("status") or {}
    if status.get("podIP"):
        status.setdefault("podIPs", [{"ip": status["podIP"]}])


def _deployment(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    _fill(spec, replicas=1, strategy={}, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    strategy = spec["strategy"]
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        _fill(strategy.setdefault("rollingUpdate", {}), maxUnavailable="25%", maxSurge="25%")
    _template(spec)


def _replica_set(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    spec.setdefault("replicas", 1)
    _template(spec)


def _template(spec: Object) -> None:
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {})
    _pod_spec(template.setdefault("spec", {}))


def _pod_spec(spec: Object) -> None:
    _fill(
        spec,
        dnsPolicy="ClusterFirst",
        restartPolicy="Always",
        securityContext={},
        terminationGracePeriodSeconds=30,
        schedulerName="default-scheduler",
    )
    if spec["terminationGracePeriodSeconds"] < 0:  # of old, negative meant "at once"
        spec["terminationGracePeriodSeconds"] = 1
    if "serviceAccountName" in spec or "serviceAccount" in spec:
        account = spec.get("serviceAccountName") or spec["serviceAccount"]
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    for container in [*spec.get("containers", []), *spec.get("initContainers", [])]:
        _container(container)
    for volume in spec.get("volumes", []):
        _volume(volume)


def _container(container: Object) -> None:
    image = container.get("image", "").rpartition("/")[2]
    latest = "@" not in image and (":" not in image or image.endswith(":latest"))
    _fill(
        container,
        resources={},
        terminationMessagePath="/dev/termination-log",
        terminationMessagePolicy="File",
        imagePullPolicy="Always" if latest else "IfNotPresent",
    )
    for port in container.get("ports", []):
        port.setdefault("protocol", "TCP")
    for variable in container.get("env", []):
        if "fieldRef" in variable.get("valueFrom", {}):
            variable["valueFrom"]["fieldRef"].setdefault("apiVersion", "v1")
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        if probe in container:
            _fill(container[probe], timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
            if "httpGet" in container[probe]:
                _fill(container[probe]["httpGet"], path="/", scheme="HTTP")


def _volume(volume: Object) -> None:
    if set(volume) == {"name"}:
        volume["emptyDir"] = {}
    for source in ("configMap", "secret", "downwardAPI", "projected"):
        if source in volume:
            volume[source].setdefault("defaultMode", 0o644)
    if "hostPath" in volume:
        volume["hostPath"].setdefault("type", "")


def _service(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    _fill(spec, type="ClusterIP", sessionAffinity="None")
    if spec["type"] in ("NodePort", "LoadBalancer"):
        _fill(spec, externalTrafficPolicy="Cluster")
    if spec["type"] == "LoadBalancer":
        _fill(spec, allocateLoadBalancerNodePorts=True)
    if spec["type"] != "ExternalName":
        _fill(spec, internalTrafficPolicy="Cluster")
    for port in spec.get("ports") or []:
        _fill(port, protocol="TCP", targetPort=port.get("port"))


def _allocate(spec: Object) -> None:
    """Addresses and ports at random from their ranges, as the API server takes them."""
    if spec["type"] == "ExternalName":
        return
    if "clusterIP" not in spec:
        spec["clusterIP"] = f"10.100.{secrets.randbelow(256)}.{1 + secrets.randbelow(254)}"
    _fill(spec, clusterIPs=[spec["clusterIP"]], ipFamilies=["IPv4"], ipFamilyPolicy="SingleStack")
    if spec["type"] in ("NodePort", "LoadBalancer"):
        for port in spec.get("ports") or []:
            _fill(port, nodePort=30000 + secrets.randbelow(2768))


_DEFAULTS: dict[str, Callable[[Object], None]] = {
    "Namespace": _namespace,
    "PersistentVolume": _persistent_volume,
    "PersistentVolumeClaim": _persistent_volume_claim,
    "StorageClass": _storage_class,
    "CSIDriver": _csi_driver,
    "Event": _event,
    "ResourceQuota": _resource_quota,
    "LimitRange": _limit_range,
    "ValidatingWebhookConfiguration": _validating_webhooks,
    "Pod": _pod,
    "Service": _service,
    "Deployment": _deployment,
    "ReplicaSet": _replica_set,
}
