"""Rules, and the events that they wait for."""

import functools
import json
from collections.abc import Iterator, Mapping
from typing import Any

from first_contact.check import Check, Question
from first_contact.checks.around import filled_in
from first_contact.contact import Contact
from first_contact.files import patterns, recording
from first_contact.verdicts import CannotBeAsked, Refuted

SOURCES = {
    "control-tower": ("ControlTowerAccount", ("CreateManagedAccount", "UpdateManagedAccount")),
    "organizations": ("OrganizationsAccount", ("CreateAccountResult",)),
}


def _rules(contact: Contact) -> Iterator[Question]:
    for name, pattern in patterns():
        yield Question(name, functools.partial(_matches, contact, name, pattern))


def _matches(contact: Contact, name: str, pattern: Mapping[str, Any]) -> str:
    events = recording("events")
    for title, sample in events.items():
        expected = name in sample["matches"]
        answer = contact.ask(
            "events",
            "TestEventPattern",
            f"whether the rule {name} takes the event {title!r}",
            EventPattern=json.dumps(pattern),
            Event=filled_in(json.dumps(sample["event"]), contact),
        )
        if answer["Result"] != expected:
            raise Refuted(f"{'does not take' if expected else 'takes'} the event {title!r}")
    return f"{sum(name in sample['matches'] for sample in events.values())} of {len(events)} recorded events"


def _account_events(contact: Contact) -> Iterator[Question]:
    for item, (rule, names) in SOURCES.items():
        yield Question(item, functools.partial(_as_documented, contact, rule, names))


def _as_documented(contact: Contact, rule: str, names: tuple[str, ...]) -> str:
    """What CloudTrail has kept of accounts that were made, in the form in which EventBridge gets it."""
    kept = [event for name in names for event in _looked_up(contact, name)]
    if not kept:
        raise CannotBeAsked(f"no event {' or '.join(names)} in this account and region in 90 days")
    pattern = dict(patterns())[rule]
    for event in kept:
        answer = contact.ask(
            "events",
            "TestEventPattern",
            f"whether the rule {rule} takes a real event",
            EventPattern=json.dumps(pattern),
            Event=json.dumps(event),
        )
        if answer["Result"]:
            return f"the event of {event['time']} is taken"
    raise Refuted(f"the rule {rule} takes none of {len(kept)} events; their details have {_keys(kept)}")


def _looked_up(contact: Contact, name: str) -> Iterator[dict[str, Any]]:
    found = contact.ask(
        "cloudtrail",
        "LookupEvents",
        f"whether an event {name} of the last 90 days is as documented",
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}],
        MaxResults=10,
    )
    for kept in found["Events"]:
        detail = json.loads(kept["CloudTrailEvent"])
        yield {
            "id": detail["eventID"],
            "account": contact.account_id,
            "source": f"aws.{detail['eventSource'].removesuffix('.amazonaws.com')}",
            "time": detail["eventTime"],
            "region": contact.region,
            "resources": [],
            "detail-type": "AWS Service Event via CloudTrail",
            "detail": detail,
        }


def _keys(events: list[dict[str, Any]]) -> str:
    """Names only: an account's own name and address are nobody's affair."""
    return ", ".join(sorted({key for event in events for key in event["detail"].get("serviceEventDetails") or {}}))


CHECKS = (
    Check(
        "rules",
        "Every rule takes the recorded events that it is for, and no others.",
        _rules,
        tuple(name for name, _ in patterns()),
    ),
    Check("account-events", "Real events about new accounts are as documented.", _account_events, tuple(SOURCES)),
)
