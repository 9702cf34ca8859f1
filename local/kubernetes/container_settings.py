"""From a pod's container entry to what the runtime starts: command, environment, mounts."""

import re
from collections.abc import Mapping

from local.kubernetes.container_isolation import ContainerMount, ContainerSpec
from local.kubernetes.images import entry_point
from local.kubernetes.objects import Object
from local.kubernetes.volumes import Volume

_REFERENCE = re.compile(r"\$\$|\$\(([-._a-zA-Z][-._a-zA-Z0-9]*)\)")


class SettingsError(Exception):
    """CreateContainerConfigError: the entry asks for what is not there."""


def container_spec(pod: Object, container: Object, volumes: Mapping[str, Volume], pod_ip: str) -> ContainerSpec:
    """Raises SettingsError."""
    environment = _environment(pod, container, pod_ip)
    words = [*(container.get("command") or entry_point(container["image"])), *(container.get("args") or [])]
    words = words or ["sh"]  # busybox has no entry point; its command is sh
    context = {**(pod["spec"].get("securityContext") or {}), **(container.get("securityContext") or {})}
    return ContainerSpec(
        command=[expand(word, environment) for word in words],
        environment=environment,
        working_directory=container.get("workingDir") or "/",
        mounts=tuple(_mount(mount, volumes) for mount in container.get("volumeMounts") or []),
        hostname=pod["spec"].get("hostname") or pod["metadata"]["name"][:63],
        read_only_root=bool(context.get("readOnlyRootFilesystem")),
        user=context.get("runAsUser"),
        group=context.get("runAsGroup"),
    )


def expand(text: str, environment: Mapping[str, str]) -> str:
    """$(NAME) becomes the variable's value when it is known, $$ a dollar. Source: Kubernetes API, Container.command."""

    def value(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        return environment.get(match[1], match[0])

    return _REFERENCE.sub(value, text)


def _environment(pod: Object, container: Object, pod_ip: str) -> dict[str, str]:
    if container.get("envFrom"):
        raise SettingsError("envFrom is not supported by this kubelet")
    environment: dict[str, str] = {}
    for entry in container.get("env") or []:
        if source := entry.get("valueFrom"):
            environment[entry["name"]] = _field(pod, source, pod_ip)
        else:
            environment[entry["name"]] = expand(entry.get("value") or "", environment)
    return environment


def _field(pod: Object, source: Object, pod_ip: str) -> str:
    path = (source.get("fieldRef") or {}).get("fieldPath", "")
    metadata, spec = pod["metadata"], pod["spec"]
    if match := re.fullmatch(r"metadata\.(labels|annotations)\['(.+)'\]", path):
        return str((metadata.get(match[1]) or {}).get(match[2], ""))
    values = {
        "metadata.name": metadata["name"],
        "metadata.namespace": metadata["namespace"],
        "metadata.uid": metadata["uid"],
        "spec.nodeName": spec.get("nodeName", ""),
        "spec.serviceAccountName": spec.get("serviceAccountName", "default"),
        "status.podIP": pod_ip,
        "status.podIPs": pod_ip,
        "status.hostIP": pod_ip,  # a Fargate node has one address, its pod's
    }
    if path not in values:
        raise SettingsError(f"environment from {sorted(source)} {path} is not supported by this kubelet".strip())
    return str(values[path])


def _mount(mount: Object, volumes: Mapping[str, Volume]) -> ContainerMount:
    volume = volumes[mount["name"]]
    directory, sub_path = volume.directory, mount.get("subPath") or ""
    source = volume.source
    if sub_path:
        if ".." in sub_path.split("/"):
            raise SettingsError("must not contain '..' in subPath")
        directory = directory / sub_path
        directory.mkdir(parents=True, exist_ok=True)  # as the kubelet does
        source = f"{source.rstrip('/')}/{sub_path}"
    read_only = bool(mount.get("readOnly")) or volume.read_only
    return ContainerMount(
        directory, mount["mountPath"], source, volume.fs_type, volume.options, read_only, volume.root_is_squashed
    )
