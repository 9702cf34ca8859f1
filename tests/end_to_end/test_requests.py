"""Bad input is refused in the first state, with every wrong field named, before anything exists."""

from typing import Any

import pytest

from local.cloud import EmbeddedCloud
from tests.end_to_end.resources import mutating
from tests.end_to_end.runs import Machine
from tests.end_to_end.test_provision import published, validate

BAD: dict[str, tuple[Any, tuple[str, ...]]] = {
    "an unknown field": ({"clutser": {}}, ("clutser",)),
    "a wrong type": ({"verification": {"writers": "many"}}, ("verification.writers",)),
    "a bad CIDR": ({"network": {"cidr": "192.168.0.0/33"}}, ("network.cidr",)),
    "a name of 101 characters": ({"cluster": {"name": "n" * 101}}, ("cluster.name",)),
    "an account id of 11 digits": ({"account_id": "12345678901"}, ("account_id",)),
    "an unsupported region": ({"region": "mars-north-1"}, ("region",)),
    "three mistakes at once": (
        {"account_id": "1", "cluster": {"name": "-"}, "storage": {"capacity": "much"}},
        ("account_id", "cluster.name", "storage.capacity"),
    ),
    "names and secrets that nobody may see again": (
        {"\x1b[31mred\n- region is 'x'": 1, "db_password": "hunter2", "region": "https://me:hunter2@example.com"},
        (r"red\n- region is", "db_password is [not repeated", "region is [not repeated"),
    ),
    "no object at all": ([1, 2], ("object",)),
    "an account event that did not succeed": (
        {
            "source": "aws.controltower",
            "detail-type": "AWS Service Event via CloudTrail",
            "detail": {
                "eventName": "CreateManagedAccount",
                "serviceEventDetails": {
                    "createManagedAccountStatus": {"state": "FAILED", "account": {"accountId": "111122223333"}}
                },
            },
        },
        ("SUCCEEDED",),
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_refused_with_every_wrong_field_and_nothing_was_created(
    what: str, machine: Machine, cloud: EmbeddedCloud
) -> None:
    request, named = BAD[what]
    seen = len(cloud.server.calls)
    run = machine.run(request)
    assert (run.status, run.error) == ("FAILED", "RequestError")
    state = "Locate account" if "event" in what else "Validate request"
    assert run.cause.startswith(f"{state}: ")
    for name in named:
        assert name in run.cause
    assert "hunter2" not in run.cause
    assert "\x1b" not in run.cause
    assert not run.entered("Claim cluster")
    calls = mutating(cloud.server.calls[seen:])
    # EventBridge sends mails when it does, also those of the run before.
    del calls["stepfunctions:StartExecution"], calls["lambda:Invoke"], calls["sns:Publish"]
    # Nothing but the failure event.
    assert calls == {"events:PutEvents": 1}
    (event,) = published(cloud, "Storage Cluster Failed", run.arn)
    validate("storage-cluster-failed.schema.json", event)
    assert event["failure"]["state"] == state
    assert "hunter2" not in str(event)
