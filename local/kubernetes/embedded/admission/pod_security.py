"""Pod Security admission: the level that a namespace's label enforces, and what a pod does against it.

Left out are the checks of what no pod here can ask for: AppArmor, SELinux, procMount, sysctls, host probes, Windows.
Source: k8s.io/pod-security-admission, admission/admission.go and policy/check_*.go, the latest version of each.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from local.kubernetes.embedded.errors import forbidden
from local.kubernetes.embedded.resources import NAMESPACES, PODS, Resource
from local.kubernetes.embedded.store import Store

Object = dict[str, Any]
Violation = tuple[str, str]
Check = Callable[[Object], Violation | None]
_ENFORCE = "pod-security.kubernetes.io/enforce"
_DEFAULT_CAPABILITIES = (
    "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT"
)
_SECCOMP = ("RuntimeDefault", "Localhost")
_FREE_VOLUMES = (
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
)


def validate(store: Store, resource: Resource, namespace: str, obj: Object) -> None:
    """Raises ApiError Forbidden, naming everything that the level does not allow."""
    if resource is not PODS:
        return
    labels = (store.get(NAMESPACES, "", namespace) or {"metadata": {}})["metadata"].get("labels") or {}
    level = labels.get(_ENFORCE, "privileged")
    violations = [violation for check in _CHECKS.get(level, ()) if (violation := check(obj["spec"]))]
    if violations:
        listed = ", ".join(f"{reason} ({detail})" for reason, detail in violations)
        version = labels.get(f"{_ENFORCE}-version", "latest")
        raise forbidden(PODS, obj["metadata"]["name"], f'violates PodSecurity "{level}:{version}": {listed}')


def _host_namespaces(spec: Object) -> Violation | None:
    found = [f"{name}=true" for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name)]
    return ("host namespaces", ", ".join(found)) if found else None


def _host_path_volumes(spec: Object) -> Violation | None:
    names = [volume["name"] for volume in spec.get("volumes") or [] if "hostPath" in volume]
    return ("hostPath volumes", f"{_plural('volume', names)} {_quoted(names)}") if names else None


def _host_ports(spec: Object) -> Violation | None:
    ports = {
        container["name"]: [str(port["hostPort"]) for port in container.get("ports") or [] if port.get("hostPort")]
        for container in _containers(spec)
    }
    bad, numbers = (
        [name for name, found in ports.items() if found],
        sorted({number for found in ports.values() for number in found}),
    )
    if not bad:
        return None
    uses = "uses" if len(bad) == 1 else "use"
    detail = f"{_plural('container', bad)} {_quoted(bad)} {uses} {_plural('hostPort', numbers)} {', '.join(numbers)}"
    return "hostPort", detail


def _privileged(spec: Object) -> Violation | None:
    bad = [one["name"] for one in _containers(spec) if _context(one).get("privileged")]
    detail = f"{_plural('container', bad)} {_quoted(bad)} must not set securityContext.privileged=true"
    return ("privileged", detail) if bad else None


def _default_capabilities(spec: Object) -> Violation | None:
    bad = _adding(spec, frozenset(_DEFAULT_CAPABILITIES.split()))
    return ("non-default capabilities", _must_not_add(bad)) if bad else None


def _seccomp_baseline(spec: Object) -> Violation | None:
    return _bad_seccomp(spec)


def _privilege_escalation(spec: Object) -> Violation | None:
    bad = [one["name"] for one in _containers(spec) if _context(one).get("allowPrivilegeEscalation") is not False]
    detail = f"{_plural('container', bad)} {_quoted(bad)} must set securityContext.allowPrivilegeEscalation=false"
    return ("allowPrivilegeEscalation != false", detail) if bad else None


def _no_capabilities(spec: Object) -> Violation | None:
    keeping = [
        one["name"]
        for one in _containers(spec)
        if "ALL" not in ((_context(one).get("capabilities") or {}).get("drop") or [])
    ]
    adding = _adding(spec, frozenset({"NET_BIND_SERVICE"}))
    details = []
    if keeping:
        details.append(
            f'{_plural("container", keeping)} {_quoted(keeping)} must set securityContext.capabilities.drop=["ALL"]'
        )
    if adding:
        details.append(_must_not_add(adding))
    return ("unrestricted capabilities", "; ".join(details)) if details else None


def _restricted_volumes(spec: Object) -> Violation | None:
    kinds = {volume["name"]: sorted(volume.keys() - {"name"}) for volume in spec.get("volumes") or []}
    bad = {name: kind[0] for name, kind in kinds.items() if kind and kind[0] not in _FREE_VOLUMES}
    if not bad:
        return None
    names, types = list(bad), sorted(set(bad.values()))
    uses = "uses" if len(names) == 1 else "use"
    restricted = f"{_plural('restricted volume type', types)} {_quoted(types)}"
    return "restricted volume types", f"{_plural('volume', names)} {_quoted(names)} {uses} {restricted}"


def _run_as_non_root(spec: Object) -> Violation | None:
    of_pod = (spec.get("securityContext") or {}).get("runAsNonRoot")
    of_containers = {one["name"]: _context(one).get("runAsNonRoot") for one in _containers(spec)}
    if bad := _setters(of_pod is False, [name for name, value in of_containers.items() if value is False]):
        return "runAsNonRoot != true", f"{bad} must not set securityContext.runAsNonRoot=false"
    missing = [name for name, value in of_containers.items() if value is None and not of_pod]
    if not missing:
        return None
    detail = f"pod or {_plural('container', missing)} {_quoted(missing)} must set securityContext.runAsNonRoot=true"
    return "runAsNonRoot != true", detail


def _run_as_user(spec: Object) -> Violation | None:
    of_pod = (spec.get("securityContext") or {}).get("runAsUser") == 0
    bad = _setters(of_pod, [one["name"] for one in _containers(spec) if _context(one).get("runAsUser") == 0])
    return ("runAsUser=0", f"{bad} must not set runAsUser=0") if bad else None


def _seccomp_restricted(spec: Object) -> Violation | None:
    if bad := _bad_seccomp(spec):
        return bad
    if _seccomp(spec.get("securityContext") or {}) is not None:
        return None
    missing = [one["name"] for one in _containers(spec) if _seccomp(_context(one)) is None]
    wanted = ' must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
    detail = f"pod or {_plural('container', missing)} {_quoted(missing)}{wanted}"
    return ("seccompProfile", detail) if missing else None


def _bad_seccomp(spec: Object) -> Violation | None:
    of_pod = _seccomp(spec.get("securityContext") or {})
    of_containers = {one["name"]: _seccomp(_context(one)) for one in _containers(spec)}
    wrong = {name: value for name, value in of_containers.items() if value not in (None, *_SECCOMP)}
    pod_is_wrong = of_pod not in (None, *_SECCOMP)
    bad = _setters(pod_is_wrong, list(wrong))
    values = sorted({str(each) for each in [*wrong.values(), *([of_pod] if pod_is_wrong else [])]})
    return (
        ("seccompProfile", f"{bad} must not set securityContext.seccompProfile.type to {_quoted(values)}")
        if bad
        else None
    )


def _seccomp(context: Object) -> str | None:
    profile = context.get("seccompProfile")
    return None if profile is None else str(profile.get("type", ""))


def _containers(spec: Object) -> Iterator[Object]:
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        yield from spec.get(kind) or []


def _context(container: Object) -> Object:
    context: Object = container.get("securityContext") or {}
    return context


def _adding(spec: Object, allowed: frozenset[str]) -> dict[str, list[str]]:
    """Container -> the capabilities it adds besides `allowed`."""
    added = {
        one["name"]: [
            name for name in (_context(one).get("capabilities") or {}).get("add") or [] if name not in allowed
        ]
        for one in _containers(spec)
    }
    return {name: capabilities for name, capabilities in added.items() if capabilities}


def _must_not_add(bad: dict[str, list[str]]) -> str:
    names, capabilities = list(bad), sorted({each for added in bad.values() for each in added})
    return (
        f"{_plural('container', names)} {_quoted(names)} must not include {_quoted(capabilities)} "
        "in securityContext.capabilities.add"
    )


def _setters(of_pod: bool, containers: list[str]) -> str:
    named = [f"{_plural('container', containers)} {_quoted(containers)}"] if containers else []
    return " and ".join([*(["pod"] if of_pod else []), *named])


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(json.dumps(name) for name in names)


def _plural(word: str, items: list[str]) -> str:
    return word if len(items) == 1 else f"{word}s"


# In the order of the checks' names, which is that of the messages; a restricted check stands for its baseline one.
_BASELINE: tuple[Check, ...] = (_default_capabilities, _host_namespaces, _host_path_volumes, _host_ports, _privileged)
_CHECKS: dict[str, tuple[Check, ...]] = {
    "baseline": (*_BASELINE, _seccomp_baseline),
    "restricted": (
        _host_namespaces,
        _host_ports,
        _privileged,
        _privilege_escalation,
        _no_capabilities,
        _restricted_volumes,
        _run_as_non_root,
        _run_as_user,
        _seccomp_restricted,
    ),
}
