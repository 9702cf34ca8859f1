"""Triggers: the events that mean a new account, everything else refused; and the schemas of the events we send."""

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from provisioner.errors import RequestError
from provisioner.events import asked_by

ROOT = Path(__file__).parents[2]
EXECUTION = "arn:aws:states:us-east-1:111122223333:execution:provision:run-1"


def sample(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((ROOT / f"events/{name}.json").read_text())
    return event


def refused(trigger: Any) -> str:
    with pytest.raises(RequestError) as caught:
        asked_by(trigger)
    return str(caught.value)


@pytest.mark.parametrize("name", ["control-tower-create-managed-account", "control-tower-update-managed-account"])
def test_control_tower_names_the_account_and_its_organizational_unit(name: str) -> None:
    assert asked_by(sample(name)) == {"account_id": "111122223333", "organizational_unit_id": "ou-ab12-l3zc8b3h"}


def test_organizations_names_the_account_alone() -> None:
    assert asked_by(sample("organizations-create-account-result")) == {"account_id": "111122223333"}


@pytest.mark.parametrize("name", ["empty", "minimal", "full"])
def test_what_is_no_event_is_the_request_itself(name: str) -> None:
    assert asked_by(sample(name)) == sample(name)


@pytest.mark.parametrize("trigger", [None, [], "eks-example", 5, True])
def test_an_input_that_is_no_object_is_refused(trigger: Any) -> None:
    message = refused(trigger)
    assert f"the request is {trigger!r}" in message
    assert "allowed: an object with any of account_id, region, " in message


@pytest.mark.parametrize("state", ["FAILED", "succeeded", "IN_PROGRESS"])
@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("control-tower-create-managed-account", "createManagedAccountStatus"),
        ("control-tower-update-managed-account", "updateManagedAccountStatus"),
        ("organizations-create-account-result", "createAccountStatus"),
    ],
)
def test_only_an_account_that_was_made_is_provisioned(name: str, status: str, state: str) -> None:
    event = sample(name)
    event["detail"]["serviceEventDetails"][status]["state"] = state
    message = refused(event)
    assert f"detail.serviceEventDetails.{status}.state is {state!r}" in message
    assert "'SUCCEEDED'" in message


def test_an_event_of_another_kind_is_refused_with_the_kinds_that_are_known() -> None:
    event = sample("control-tower-create-managed-account")
    event["detail"]["eventName"] = "EnableControl"
    message = refused(event)
    assert "detail.eventName is 'EnableControl from aws.controltower'" in message
    assert "CreateManagedAccount from aws.controltower" in message
    assert "CreateAccountResult from aws.organizations" in message


def test_a_name_from_the_wrong_service_is_refused() -> None:
    event = sample("control-tower-create-managed-account")
    event["source"] = "aws.organizations"
    assert "CreateManagedAccount from aws.organizations" in refused(event)


def test_an_api_call_that_merely_asks_for_an_account_is_refused() -> None:
    event = sample("organizations-create-account-result")
    event["detail-type"] = "AWS API Call via CloudTrail"
    assert "detail-type is 'AWS API Call via CloudTrail'; allowed: 'AWS Service Event via CloudTrail'" in refused(event)


def paths(value: Any, before: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(value, dict):
        return []
    return [path for name, inner in value.items() for path in ((*before, name), *paths(inner, (*before, name)))]


READ = {
    "eventName",
    "serviceEventDetails",
    "state",
    "account",
    "accountId",
    "organizationalUnit",
    "organizationalUnitId",
}
SHAPES = [
    (name, path)
    for name in (
        "control-tower-create-managed-account",
        "control-tower-update-managed-account",
        "organizations-create-account-result",
    )
    for path in paths(sample(name))
    if path == ("detail",)
    or (path[0] == "detail" and path[-1] in READ and "userIdentity" not in path)
    or path[-1].endswith("Status")
]


@pytest.mark.parametrize(("name", "path"), SHAPES)
@pytest.mark.parametrize("change", ["removed", "a number"])
def test_an_event_of_an_unknown_shape_is_refused_where_it_differs(
    name: str, path: tuple[str, ...], change: str
) -> None:
    event = copy.deepcopy(sample(name))
    parent: dict[str, Any] = event
    for part in path[:-1]:
        parent = parent[part]
    if change == "removed":
        del parent[path[-1]]
    else:
        parent[path[-1]] = 7
    assert f"- {'.'.join(path)} is {'missing' if change == 'removed' else '7'}" in refused(event)


def schema(name: str) -> Any:
    return json.loads((ROOT / f"schemas/storage-cluster-{name}.schema.json").read_text())


READY = {
    "schema_version": "1",
    "request_id": "run-1",
    "account_id": "111122223333",
    "region": "us-east-1",
    "cluster": {
        "name": "eks-example",
        "arn": "arn:aws:eks:us-east-1:111122223333:cluster/eks-example",
        "endpoint": "https://ABC.gr7.us-east-1.eks.amazonaws.com",
        "version": "1.33",
    },
    "file_system": {
        "id": "fs-0123456789abcdef0",
        "access_point_id": None,
        "mount_targets": [
            {
                "mount_target_id": "fsmt-0123456789abcdef0",
                "availability_zone_id": "use1-az1",
                "subnet_id": "subnet-0123456789abcdef0",
                "ip_address": "192.168.128.7",
            }
        ],
    },
    "storage": {
        "volume_handle": "fs-0123456789abcdef0",
        "namespace": "default",
        "storage_class": "efs-sc",
        "persistent_volume": "efs-pv",
        "claim": "efs-claim",
        "volumes": [
            {
                "volume_handle": "fs-0123456789abcdef0",
                "namespace": "default",
                "storage_class": "efs-sc",
                "persistent_volume": "efs-pv",
                "claim": "efs-claim",
            }
        ],
        "unlisted": [],
    },
    "evidence": {"sha256": "0" * 64},
    "timings": {"Ensure network": 120.4, "Verify storage": 95},
    "execution_arn": EXECUTION,
}
FAILED = {
    "schema_version": "1",
    "request_id": "run-1",
    "account_id": None,
    "region": None,
    "cluster": None,
    "failure": {"state": "Validate request", "error": "RequestError", "cause": "InvalidRequest: …"},
    "execution_arn": EXECUTION,
}
CAUSE = {
    "rule": "security-group-closed",
    "verdict": "proved",
    "cause": "The mount targets' security groups do not admit NFS from the pods.",
    "symptom": "mount.nfs4: Connection timed out",
    "probe": {"looked_at": "ingress of sg-0123", "saw": "sg-0123 does not admit 192.168.96.0/19"},
    "fix": "allow tcp 2049 from 192.168.96.0/19 in sg-0123",
}


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        ("ready", READY),
        ("ready", READY | {"added_later": True}),
        ("failed", FAILED),
        ("failed", FAILED | {"account_id": "111122223333", "region": "us-east-1", "cluster": {"name": "eks-example"}}),
        ("failed", FAILED | {"diagnosis": []}),
        ("failed", FAILED | {"diagnosis": [CAUSE], "report_url": "s3://bucket/run-1/report.html"}),
        ("failed", FAILED | {"diagnosis": [CAUSE], "report_url": None}),
    ],
)
def test_the_detail_of_our_events_is_as_their_schemas_say(name: str, detail: Any) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(name))
    jsonschema.validate(detail, schema(name), jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        *(("ready", {key: value for key, value in READY.items() if key != left_out}) for left_out in READY),
        *(("failed", {key: value for key, value in FAILED.items() if key != left_out}) for left_out in FAILED),
        ("ready", READY | {"evidence": {}}),
        ("ready", READY | {"timings": {"Ensure network": -1}}),
        ("ready", READY | {"storage": {**READY["storage"], "volume_handle": "efs:fs-0123456789abcdef0"}}),  # type: ignore[dict-item]
        ("ready", READY | {"file_system": {**READY["file_system"], "mount_targets": []}}),  # type: ignore[dict-item]
        ("failed", FAILED | {"failure": {"state": "x"}}),
        ("failed", FAILED | {"cluster": {}}),
        ("failed", FAILED | {"schema_version": "2"}),
        *(
            ("failed", FAILED | {"diagnosis": [{key: value for key, value in CAUSE.items() if key != left_out}]})
            for left_out in CAUSE
        ),
        ("failed", FAILED | {"diagnosis": [CAUSE | {"verdict": "likely"}]}),
        ("failed", FAILED | {"report_url": "report.html"}),
    ],
)
def test_a_detail_without_what_readers_rely_on_is_refused_by_the_schema(name: str, detail: Any) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(detail, schema(name), jsonschema.Draft202012Validator)
