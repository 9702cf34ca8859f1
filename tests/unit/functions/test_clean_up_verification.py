"""The function of state "Clean up verification"."""

from typing import Any

import pytest

from functions.clean_up_verification import app
from functions.verify_storage import app as verify_storage
from provisioner.errors import ErrorReason, TerminalError
from tests.unit.functions.test_verify_storage import event
from tests.unit.kubernetes.fake_cluster import FakeCluster
from tests.unit.kubernetes.handler_seam import Context, connect
from tests.unit.kubernetes.samples import a_request

REQUEST: dict[str, Any] = {"request": a_request().model_dump(mode="json")}


def test_what_a_killed_proof_left_is_removed_and_named_and_nothing_else_is_touched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = FakeCluster()
    connect(monkeypatch, app, cluster)
    connect(monkeypatch, verify_storage, cluster)
    verify_storage.lambda_handler(event(None), Context())
    cluster.tick()
    bystander = {"name": "bystander", "namespace": "default", "labels": {}}
    cluster.put({"apiVersion": "v1", "kind": "Pod", "metadata": bystander, "spec": {}})
    removed = app.lambda_handler(REQUEST, Context())["removed"]
    assert any(name.startswith("Deployment default/verification-") for name in removed)
    cluster.tick()
    assert {name for kind, _, name in cluster.objects if kind in ("Deployment", "Pod")} == {"bystander"}
    assert app.lambda_handler(REQUEST, Context()) == {"removed": []}


def test_a_cluster_that_does_not_let_us_in_is_final(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(monkeypatch, app, FakeCluster(access_after_calls=1))
    with pytest.raises(TerminalError, match="HTTP 403") as caught:
        app.lambda_handler(REQUEST, Context())
    assert caught.value.reason == ErrorReason.ACCESS_DENIED
