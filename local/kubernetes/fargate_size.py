"""How large a node Fargate takes for a pod.

Source: EKS User Guide, "Understand Fargate Pod configuration details": the requests of the containers together, or the
largest of an init container; 256 MB more for Kubernetes; the next combination upwards, the smallest without requests.
"""

from collections.abc import Callable, Iterable

from kubernetes.utils.quantity import parse_quantity

from local.kubernetes.objects import Object

_KUBERNETES_BYTES = 256 * 1024**2
_LARGEST_GIB = {0.25: 2, 0.5: 4, 1.0: 8, 2.0: 16, 4.0: 30, 8.0: 60, 16.0: 120}
"""vCPUs -> the most memory that there is with them."""


def vcpus(pod: Object) -> float:
    """Of more than there is, the largest: what then happens is not simulated."""
    cpu, memory = _asked(pod, "cpu"), _asked(pod, "memory") + _KUBERNETES_BYTES
    fitting = (size for size, gib in _LARGEST_GIB.items() if cpu <= size and memory <= gib * 1024**3)
    return next(fitting, max(_LARGEST_GIB))


def _asked(pod: Object, resource: str) -> float:
    return max(_of(sum, pod["spec"]["containers"], resource), _of(max, pod["spec"].get("initContainers"), resource))


def _of(together: Callable[[Iterable[float]], float], containers: list[Object] | None, resource: str) -> float:
    requests = ((each.get("resources") or {}).get("requests") or {} for each in containers or [])
    return together([0.0, *(_number(each[resource]) for each in requests if resource in each)])


def _number(text: object) -> float:
    return float(parse_quantity(str(text)))  # type: ignore[no-untyped-call]
