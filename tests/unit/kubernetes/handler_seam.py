"""A handler of the cluster's functions with the cluster in memory behind it."""

from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from tests.unit.kubernetes.fake_cluster import FakeCluster


class Context(LambdaContext):
    def __init__(self) -> None:
        self._aws_request_id = "request-1"
        self._function_name = "a_function"


def connect(monkeypatch: pytest.MonkeyPatch, module: Any, cluster: FakeCluster) -> list[str]:
    """Put the cluster where the handler would reach a real one; the names of the clusters it asks for."""
    asked: list[str] = []

    def kubernetes_api(_target: Any, cluster_name: str) -> FakeCluster:
        asked.append(cluster_name)
        return cluster

    monkeypatch.setenv("POWERTOOLS_TRACE_DISABLED", "true")
    monkeypatch.setattr(module.Target, "of", lambda _request: None)
    monkeypatch.setattr(module, "kubernetes_api", kubernetes_api)
    return asked
