"""The function of state "Apply storage"."""

import json
from typing import Any

import pytest

from functions.apply_storage import app
from provisioner.errors import RequestError, TerminalError
from tests.unit.kubernetes.fake_cluster import FakeCluster
from tests.unit.kubernetes.handler_seam import Context, connect
from tests.unit.kubernetes.samples import ACCESS_POINT, FILE_SYSTEM, a_request


def event(**changes: Any) -> dict[str, Any]:
    return {
        "execution_arn": "arn:aws:states:eu-west-1:111122223333:execution:provision:one",
        "request": a_request(cluster={"name": "eks-orders"}).model_dump(mode="json"),
        "file_system_id": FILE_SYSTEM,
        "access_point_ids": {"efs-pv": None},
        "mount_targets": [],
        **changes,
    }


def test_the_payload_names_what_a_pod_needs_to_mount(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = connect(monkeypatch, app, FakeCluster())
    payload = app.lambda_handler(event(access_point_ids={"efs-pv": ACCESS_POINT}), Context())
    assert asked == ["eks-orders"]
    volume = {
        "volume_handle": f"{FILE_SYSTEM}::{ACCESS_POINT}",
        "namespace": "default",
        "storage_class": "efs-sc",
        "persistent_volume": "efs-pv",
        "claim": "efs-claim",
    }
    facts = {**volume, "volumes": [volume], "unlisted": []}
    assert json.loads(json.dumps(payload)) == {"ready": True, "reason": "Ready", "retry_after_seconds": 0, **facts}


def test_waiting_is_data_not_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, app, FakeCluster(access_after_calls=1))
    payload = app.lambda_handler(event(), Context())
    assert payload == {
        "ready": False,
        "reason": "AccessNotYetEffective",
        "retry_after_seconds": 5,
        "because": "get: HTTP 403 Forbidden",
    }


def test_an_object_of_somebody_else_leaves_as_a_terminal_error(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = FakeCluster()
    cluster.put({"kind": "StorageClass", "metadata": {"name": "efs-sc"}})
    connect(monkeypatch, app, cluster)
    with pytest.raises(TerminalError, match="OwnedByAnother"):
        app.lambda_handler(event(), Context())


def test_a_request_that_is_not_one_is_refused_before_the_cluster_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = connect(monkeypatch, app, FakeCluster())
    with pytest.raises(RequestError):
        app.lambda_handler(event(request={"account_id": "1"}), Context())
    assert asked == []
