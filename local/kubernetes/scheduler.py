"""Which scheduler a pod belongs to, and what Fargate refuses.

On EKS a mutating webhook sets schedulerName fargate-scheduler when a pod is created in a namespace (and with labels)
that a Fargate profile selects. spec.schedulerName is immutable once the pod exists, and a simulator outside the API
server cannot mutate before: so the decision is taken once, at the first sight of the pod, and only the events tell.
"""

from local.kubernetes.http_api import KubernetesApi
from local.kubernetes.objects import Object

EFS_DRIVER = "efs.csi.aws.com"
COMPUTE_TYPE = "eks.amazonaws.com/compute-type"
_CAPABILITIES = {"NET_BIND_SERVICE"}
"""May be added: CoreDNS does, and runs. CHOWN may not, though containers have it (frappe/frappe_docker#1182)."""
_SUPPORTED_VOLUMES = {"name", "emptyDir", "configMap", "secret", "projected", "downwardAPI"}


def unschedulable_message(node_names: list[str]) -> str:
    """The default scheduler's words: Fargate nodes carry a taint, so they never take its pods."""
    if not node_names:
        return "no nodes available to schedule pods"
    count = len(node_names)
    taint = "{eks.amazonaws.com/compute-type: fargate}"
    return (
        f"0/{count} nodes are available: {count} node(s) had untolerated taint {taint}. "
        f"preemption: 0/{count} nodes are available: {count} Preemption is not helpful for scheduling."
    )


def is_for_instances(pod: Object) -> bool:
    """Whether it is kept from Fargate, whatever profiles select. Source: aws/containers-roadmap#944, #1813."""
    annotations = pod["metadata"].get("annotations") or {}
    return str(annotations.get(COMPUTE_TYPE, "")).lower() == "ec2"


async def fargate_refusal(pod: Object, api: KubernetesApi) -> str | None:
    """Why Fargate does not run this pod, or None.

    The scheduler looks once: a claim that is bound a moment later does not help the pod.
    Source: texts from aws-efs-csi-driver#589, #793, aws-ebs-csi-driver#810, freegroup/kube-s3#14.
    """
    causes = _field_causes(pod) + _security_causes(pod) + _port_causes(pod)
    volumes = await _volume_causes(pod, api)
    if volumes:
        causes.append("volumes not supported: " + ", ".join(volumes))
    return "Pod not supported on Fargate: " + ", ".join(causes) if causes else None


def _field_causes(pod: Object) -> list[str]:
    spec, names = pod["spec"], []
    for field, name in (("hostNetwork", "HostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")):
        if spec.get(field):
            names.append(name)
    if any(ref["kind"] == "DaemonSet" for ref in pod["metadata"].get("ownerReferences", [])):
        names.append("DaemonSet")
    selector = spec.get("nodeSelector") or {}
    if selector.get("kubernetes.io/arch", "amd64") != "amd64" or selector.get("kubernetes.io/os", "linux") != "linux":
        names.append("NodeSelector")
    return ["fields not supported: " + ", ".join(names)] if names else []


def _containers(pod: Object) -> list[Object]:
    return [*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]]


def _security_causes(pod: Object) -> list[str]:
    contexts = [container.get("securityContext") or {} for container in _containers(pod)]
    fields = []
    if any(context.get("privileged") for context in contexts):
        fields.append("Privileged")
    added = [name for context in contexts for name in (context.get("capabilities") or {}).get("add") or []]
    added = [name for name in added if name not in _CAPABILITIES]
    if added:
        fields.append("Capabilities added: " + ", ".join(added))
    return ["invalid SecurityContext fields: " + ", ".join(fields)] if fields else []


def _port_causes(pod: Object) -> list[str]:
    ports = [port for container in _containers(pod) for port in container.get("ports") or []]
    return ["port contains HostIP or HostPort"] if any(p.get("hostPort") or p.get("hostIP") for p in ports) else []


async def _volume_causes(pod: Object, api: KubernetesApi) -> list[str]:
    causes = []
    for volume in pod["spec"].get("volumes") or []:
        name = volume["name"]
        if claim := volume.get("persistentVolumeClaim"):
            cause = await _claim_cause(pod["metadata"]["namespace"], claim["claimName"], api)
            if cause:
                causes.append(f"{name} not supported because: {cause}")
        elif not volume.keys() <= _SUPPORTED_VOLUMES:
            causes.append(f"{name} is of an unsupported volume Type")
    return causes


async def _claim_cause(namespace: str, name: str, api: KubernetesApi) -> str | None:
    claim = await api.find("persistentvolumeclaims", namespace, name)
    if claim is None:
        return f"PVC {name} not found"
    if claim.get("status", {}).get("phase") != "Bound":
        return f"PVC {name} not bound"
    volume_name = claim["spec"]["volumeName"]
    volume = await api.find("persistentvolumes", "", volume_name)
    driver = ((volume or {}).get("spec", {}).get("csi") or {}).get("driver")
    if driver != EFS_DRIVER:
        return f"PVC {name} bound to invalid PV {volume_name} with CSI Driver: {driver}"
    return None
