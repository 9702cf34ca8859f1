"""Events about new accounts as CloudTrail has kept them, against its model: the embedded cloud keeps none."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import Stubber

from first_contact.check import verdicts
from first_contact.checks.events import CHECKS
from first_contact.contact import Contact
from first_contact.verdicts import Verdict
from local.cloud import ROOT

ACCOUNT_EVENTS = next(check for check in CHECKS if check.name == "account-events")
NAME_OF_AN_ACCOUNT = "a name that is nobody's affair"
Change = Callable[[dict[str, Any]], Any]


def detail(sample: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "events" / sample).read_text())["detail"]
    return {"eventID": "1", "eventTime": "2026-01-01T00:00:00Z", "eventSource": "controltower.amazonaws.com", **found}


def asked(contact: Contact, *kept: dict[str, Any]) -> dict[str, Verdict]:
    """CloudTrail knows these as CreateManagedAccount, and nothing else."""
    with Stubber(contact._client("cloudtrail", "")) as cloudtrail:
        for name, events in (("CreateManagedAccount", kept), ("UpdateManagedAccount", ()), ("CreateAccountResult", ())):
            now = datetime.now(UTC)
            found = [{"EventName": name, "EventTime": now, "CloudTrailEvent": json.dumps(event)} for event in events]
            asked_for = {"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": name}], "MaxResults": 10}
            cloudtrail.add_response("lookup_events", {"Events": found}, asked_for)
        return {verdict.item: verdict for verdict in verdicts(ACCOUNT_EVENTS, contact)}


def test_a_real_event_as_documented_ticks_and_none_cannot_be_asked(contact_anew: Callable[[], Contact]) -> None:
    found = asked(contact_anew(), detail("control-tower-create-managed-account.json"))
    assert {item: verdict.status for item, verdict in found.items()} == {
        "control-tower": "ticked",
        "organizations": "cannot be asked",
    }


def lower_case(event: dict[str, Any]) -> None:
    event["serviceEventDetails"]["createManagedAccountStatus"]["state"] = "succeeded"


def elsewhere(event: dict[str, Any]) -> None:
    event["serviceEventDetails"] = {"accountStatus": event["serviceEventDetails"]["createManagedAccountStatus"]}


def from_elsewhere(event: dict[str, Any]) -> None:
    event["eventSource"] = "accountfactory.amazonaws.com"


@pytest.mark.parametrize("change", [lower_case, elsewhere, from_elsewhere])
def test_an_event_of_another_shape_refutes_and_names_nobody(
    change: Change, contact_anew: Callable[[], Contact]
) -> None:
    event = detail("control-tower-create-managed-account.json")
    status = event["serviceEventDetails"]["createManagedAccountStatus"]
    status["account"]["accountName"] = NAME_OF_AN_ACCOUNT
    change(event)
    verdict = asked(contact_anew(), event)["control-tower"]
    assert verdict.status == "refuted"
    assert "ControlTowerAccount takes none of 1 events" in verdict.said
    assert NAME_OF_AN_ACCOUNT not in verdict.said
