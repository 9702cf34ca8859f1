"""What AWS's own services tell the default bus of an account: no customer puts events whose source begins with aws."""

import json
from collections.abc import Mapping
from typing import Any

from moto.events.models import events_backends

OWN = "aws."
"""What the sources of AWS's own events begin with. Source: EventBridge user guide, "Events from AWS services"."""


def emit(event: Mapping[str, Any], account_id: str, region: str) -> None:
    """`event` as consumers see it; of it the source, the detail-type and the detail are taken."""
    if not event["source"].startswith(OWN):
        raise ValueError(f"{event['source']} is no service of AWS's")
    entry = {"Source": event["source"], "DetailType": event["detail-type"], "Detail": json.dumps(event["detail"])}
    events_backends[account_id][region].take_events([entry])  # type: ignore[attr-defined]
