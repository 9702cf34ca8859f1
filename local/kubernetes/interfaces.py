"""What the parts of the local Kubernetes know of each other; both kinds of control plane implement it alike."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

ACCESS_POLICY_GROUP_PREFIX = "eks-access-policy:"
"""An EKS access policy of cluster scope reaches RBAC as this group: eks-access-policy:AmazonEKSClusterAdminPolicy."""


@dataclass(frozen=True)
class KubernetesUser:
    username: str
    uid: str
    groups: tuple[str, ...]
    extra: Mapping[str, tuple[str, ...]]


Authenticate = Callable[[str], KubernetesUser | None]
"""Bearer token -> user; None means 401. Called in any thread."""


class ControlPlane(Protocol):
    """One running cluster API."""

    @property
    def url(self) -> str: ...

    @property
    def ca_pem(self) -> str: ...

    @property
    def admin_token(self) -> str:
        """A system:masters token, for the simulator and for what EKS itself does in a cluster."""

    def stop(self) -> None: ...


class ControlPlanes(Protocol):
    """Starts control planes of one kind."""

    @property
    def name(self) -> str:
        """ "embedded" or "real"."""

    def start(self, cluster_name: str, authenticate: Authenticate, *, port: int | None = None) -> ControlPlane: ...


@dataclass(frozen=True)
class Placement:
    """Where a Fargate pod runs: its node and the network interface in a subnet of the profile."""

    node_name: str
    subnet_id: str
    availability_zone: str
    availability_zone_id: str
    ip_address: str
    profile_name: str = ""
    kubelet_version: str = ""
    """As its node tells it: that of the cluster when the pod came; none is the API server's own."""


@dataclass(frozen=True)
class Mount:
    """A mounted file system: the directory that backs it, and the rest as /proc/mounts shows it."""

    directory: Path
    source: str
    fs_type: str
    options: str
    root_is_squashed: bool = False
    """Files are accessed as somebody who is not root, and who may not write here."""


class PlacementRefused(Exception):  # noqa: N818 - as MountRefused
    """Fargate takes the pod and cannot run it; `message` is fargate-scheduler's own."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class PullRefused(Exception):  # noqa: N818 - as MountRefused
    """The registry did not answer, or would not give the image; `message` is containerd's, after the image's name."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class MountRefused(Exception):  # noqa: N818 - a refusal is the subject here, not an error of ours
    """The network or the file system would not allow the mount; `message` is the kubelet's FailedMount message."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class DataPlane(Protocol):
    """What the Fargate simulator asks AWS."""

    def place(self, namespace: str, labels: Mapping[str, str], vcpus: float) -> Placement | None:
        """None: no Fargate profile matches, the pod stays with default-scheduler. Raises PlacementRefused."""

    def release(self, placement: Placement) -> None: ...

    def is_reached(self, placement: Placement) -> bool:
        """Whether the control plane reaches the kubelet of the node."""

    def joins(self, placement: Placement) -> bool:
        """Whether the node reaches the cluster's API."""

    def mount(self, placement: Placement, volume_handle: str, attributes: Mapping[str, str]) -> Mount:
        """Raises MountRefused."""

    def pull(self, placement: Placement, registry: str, path: str) -> None:
        """Gets `path` (repository and tag) from the registry. Raises PullRefused when the node's network, or the
        registry, does not let it; whether there is such an image is not asked here."""
