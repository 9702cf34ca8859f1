from typing import Any

from tests.unit.functions.conftest import Invoke
from tests.unit.resources.samples import request_for


def test_it_is_ready_with_the_file_systems_id_and_no_access_point(invoke: Invoke, efs: Any) -> None:
    answer = invoke("ensure_file_system")
    (made,) = efs.describe_file_systems()["FileSystems"]
    assert answer == {
        "ready": True,
        "reason": "Ready",
        "retry_after_seconds": 0,
        "file_system_id": made["FileSystemId"],
        "access_point_id": None,
        "access_point_ids": {"efs-pv": None},
    }


def test_it_is_ready_with_an_access_point_when_one_is_asked_for(invoke: Invoke) -> None:
    request = request_for(storage={"access_point": {"uid": 1000, "gid": 1000, "path": "/data"}})
    answer = invoke("ensure_file_system", request=request.model_dump(mode="json"))
    assert answer["access_point_id"].startswith("fsap-")
