"""A notice as SNS takes it: one message that has a form for every kind of subscriber."""

import json
from collections.abc import Mapping
from typing import Any, Final

from provisioner.notification.detail import Detail, text
from provisioner.notification.harmless import name
from provisioner.notification.notice import Notice, notice_of

# Source: SNS API, Publish: "at most 256 KiB in size (262,144 bytes, not 262,144 characters)", attributes included.
_MESSAGE_BYTES: Final = 262_144
_LEFT_OUT: Final = "left_out_of_notification"

Message = dict[str, Any]


def message_about(event: Mapping[str, Any]) -> Message:
    """What Publish is given, but for the topic: people's protocols get words, all others the event as JSON.

    The attribute detail-type is for subscribers who filter. Source: SNS API, Publish, Subject and MessageStructure.
    """
    notice, kind = notice_of(event), str(event["detail-type"])
    attributes = {"detail-type": {"DataType": "String", "StringValue": kind}}
    forms = {
        "email": _mail(notice, event),
        "sms": notice.subject,
        "https": json.dumps(_chat(notice, event)),
    }
    room = _MESSAGE_BYTES - len(json.dumps({**forms, "default": ""})) - len(json.dumps(attributes))
    return {
        "Subject": notice.subject,
        "Message": json.dumps({**forms, "default": _for_machines(event, room)}),
        "MessageStructure": "json",
        "MessageAttributes": attributes,
    }


def _mail(notice: Notice, event: Mapping[str, Any]) -> str:
    return "\n".join(
        (
            *(line.plain for line in notice.lines),
            "",
            *notice.commands,
            *((notice.link,) if notice.link else ()),
            f"Event {event['id']} of {event['time']}",
        )
    )


def _chat(notice: Notice, event: Mapping[str, Any]) -> dict[str, Any]:
    """A custom notification of Amazon Q Developer in chat applications. One thread has a cluster's day.

    Source: Amazon Q Developer in chat applications, "Custom notifications" (event schema).
    """
    what, why, todo = (f"{line.ours} `{line.theirs}`" if line.theirs else line.ours for line in notice.lines)
    detail: Detail = event["detail"]
    kind, cluster = str(event["detail-type"]), name(text(detail, "cluster", "name")) or "fleet"
    where = (
        name(text(detail, "account_id") or event["account"], 12),
        name(text(detail, "region") or event["region"], 20),
    )
    return {
        "version": "1.0",
        "source": "custom",
        "id": str(event["id"]),
        "content": {
            "textType": "client-markdown",
            "title": notice.subject,
            "description": "\n".join((what, why, *((notice.link,) if notice.link else ()))),
            "nextSteps": [todo, *(f"`{command}`" for command in notice.commands)],
            "keywords": [kind.rpartition(" ")[2], *where],
        },
        "metadata": {
            "threadId": "/".join((*where, cluster, str(event["time"])[:10])),
            "summary": notice.subject,
            "eventType": kind,
            "relatedResources": [cluster],
        },
    }


def _for_machines(event: Mapping[str, Any], room: int) -> str:
    """The event as JSON; one that leaves no room for the words loses its detail's largest fields, and says which."""
    detail, left_out = dict(event["detail"]), []
    form = json.dumps(event)
    while len(json.dumps(form)) > room:
        largest = max(detail, key=lambda each: len(json.dumps(detail[each])))
        left_out.append(largest)
        del detail[largest]
        form = json.dumps({**event, "detail": {**detail, _LEFT_OUT: left_out}})
    return form
