"""The input transformer of EventBridge targets.

Source: EventBridge user guide, "Amazon EventBridge input transformation": a placeholder inside quotes is inserted as
text, outside quotes as JSON; a path that matches nothing gives an empty string (in quotes) or null.
"""

from __future__ import annotations

import json
import re
from typing import Any

from jsonpath_ng.ext.parser import parse as parse_path

TOKENS = re.compile(r'\\.|"|<([\w.\-]+)>')


def transformed(transformer: dict[str, Any], event: dict[str, Any], rule_name: str, rule_arn: str) -> Any:
    """The payload that the template makes of the event; text that is not JSON is passed as a string."""
    values = {
        "aws.events.rule-arn": rule_arn,
        "aws.events.rule-name": rule_name,
        "aws.events.event.ingestion-time": event.get("time"),
        "aws.events.event": {name: value for name, value in event.items() if name != "detail"},
        "aws.events.event.json": event,
    }
    for name, path in transformer.get("InputPathsMap", {}).items():
        found = parse_path(path).find(event)
        values[name] = found[0].value if found else None
    text = _filled_in(transformer["InputTemplate"], values)
    try:
        return json.loads(text)
    except ValueError:
        return text


def _filled_in(template: str, values: dict[str, Any]) -> str:
    parts: list[str] = []
    position, quoted = 0, False
    for token in TOKENS.finditer(template):
        parts.append(template[position : token.start()])
        position = token.end()
        if token[0] == '"':
            quoted = not quoted
        name = token[1]
        if name is None or name not in values:
            parts.append(token[0])
        elif quoted:
            parts.append(json.dumps(_as_text(values[name]))[1:-1])
        else:
            parts.append(json.dumps(values[name]))
    return "".join(parts) + template[position:]


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
