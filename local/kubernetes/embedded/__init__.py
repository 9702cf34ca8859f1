"""A Kubernetes API in one process: what our client and kubectl need, and deliberately no more."""

from local.kubernetes.embedded.server import EmbeddedControlPlanes

__all__ = ["EmbeddedControlPlanes"]
