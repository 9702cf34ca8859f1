"""What the AWS parts of the embedded cloud know of the whole."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from local.clock import Clock
from local.kubernetes.interfaces import ControlPlane, ControlPlanes

if TYPE_CHECKING:
    from local.aws.eks_state import Cluster


class Cloud(Protocol):
    """The embedded cloud as its services see it."""

    @property
    def clock(self) -> Clock: ...
    @property
    def control_planes(self) -> ControlPlanes: ...
    @property
    def directory(self) -> Path:
        """State directory: file systems live under efs/<file-system id>."""

    @property
    def account_id(self) -> str: ...
    @property
    def region(self) -> str: ...
    @property
    def stopping(self) -> bool:
        """Everything is being taken down: what fails because of that is nobody's concern."""

    @property
    def on_cluster_ready(self) -> "list[Callable[[Cluster, ControlPlane], None]]":
        """Called, in any thread, just before a cluster becomes ACTIVE."""

    @property
    def on_profile_deleted(self) -> "list[Callable[[Cluster, str], None]]":
        """Called, in any thread, when a Fargate profile's deletion begins, with its name."""

    @property
    def on_cluster_deleted(self) -> "list[Callable[[Cluster], None]]":
        """Called, in any thread, before a deleted cluster's control plane stops."""
