"""One conversation with a Kubernetes API, written down so that two of them can be compared.

Compared are status code, reason, the fields an error names, and the object; not messages, nor what differs between
any two clusters (uids, times, resource versions, addresses).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any
from urllib.parse import quote

import urllib3

from local.kubernetes.certificates import client_context
from local.kubernetes.interfaces import ControlPlane

PATIENCE_SECONDS, WATCHES = 300.0, 60
JSON = "application/json"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"

# Present or absent is compared, the value is not.
PER_CLUSTER = {
    "clusterIP",
    "clusterIPs",
    "continue",
    "creationTimestamp",
    "deletionTimestamp",
    "lastPhaseTransitionTime",
    "lastTransitionTime",
    "lastUpdateTime",
    "nodePort",
    "resourceVersion",
    "time",
    "uid",
}


@dataclass(frozen=True)
class Exchange:
    """A request and the part of its answer that has to be alike."""

    request: str
    code: int
    answer: Any


@dataclass
class Conversation:
    """Sends requests as they are, without a client library's help, and notes the answers."""

    control_plane: ControlPlane
    name: str
    tokens: Mapping[str, str]
    exchanges: list[Exchange] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._pool = urllib3.PoolManager(ssl_context=client_context(self.control_plane.ca_pem), retries=False)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = JSON,
        token: str | None = None,
        accept: str = JSON,
    ) -> Any:
        """Send one request; `body` is bytes as they are or anything JSON has. Returns the parsed answer."""
        url = self.control_plane.url + path.replace("{name}", self.name)
        headers = {"Accept": accept, "Authorization": f"Bearer {self.tokens['admin'] if token is None else token}"}
        if token == "":
            del headers["Authorization"]
        if body is not None:
            headers["Content-Type"] = content_type
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        response = self._pool.request(method, url, body=data, headers=headers, redirect=False, timeout=PATIENCE_SECONDS)
        answer = parsed(response.data)
        self.exchanges.append(Exchange(f"{method} {path}", response.status, normalised(answer)))
        warning = response.headers.get("Warning", "")
        self.note(f"{method} {path} warns of fields", [word for word in ("unknown", "duplicate") if word in warning])
        return answer

    def note(self, what: str, value: Any) -> None:
        """Write down a value that has to be alike, drawn from an answer that as a whole need not be."""
        self.exchanges.append(Exchange(what, 0, value))

    def apply(self, path: str, body: Any, manager: str = "one", *, force: bool = False, query: str = "") -> Any:
        """Server-side apply."""
        options = f"fieldManager={manager}{'&force=true' if force else ''}{query}"
        return self.send("PATCH", f"{path}?{options}", body, content_type=APPLY)

    def watch(self, path: str, resource_version: str, query: str = "", *, least: int) -> list[Any]:
        """The events that a watch has to tell after a resource version, in order.

        It tells for a second, in which a busy server may not have got to all of the `least` that there are: it is asked
        again then.
        """
        options = f"watch=1&timeoutSeconds=1&resourceVersion={quote(resource_version)}{query}"
        url = f"{self.control_plane.url}{path.replace('{name}', self.name)}?{options}"
        headers = {"Authorization": f"Bearer {self.tokens['admin']}"}
        for _ in range(WATCHES):
            response = self._pool.request("GET", url, headers=headers, timeout=PATIENCE_SECONDS)
            events = [json.loads(line) for line in response.data.splitlines()]
            if len(events) >= least:
                break
        self.exchanges.append(Exchange(f"WATCH {path}", response.status, [normalised(event) for event in events]))
        return events


@dataclass(frozen=True)
class Case:
    """A sentence that holds for both kinds of control plane, and the requests that show it."""

    sentence: str
    hold: Callable[[Conversation], None]

    @property
    def slug(self) -> str:
        """A name that is free in the cluster for this case alone."""
        words = re.sub(r"[^a-z0-9]+", "-", self.sentence.lower())[:24].strip("-")
        return f"{words}-{hashlib.sha256(self.sentence.encode()).hexdigest()[:6]}"


CASES: list[Case] = []


def case(sentence: str) -> Callable[[Callable[[Conversation], None]], Callable[[Conversation], None]]:
    """Make a function that holds a conversation a case."""

    def register(function: Callable[[Conversation], None]) -> Callable[[Conversation], None]:
        CASES.append(Case(sentence, function))
        return function

    return register


def parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data.decode(errors="replace")


def normalised(answer: Any) -> Any:
    """The answer without what may differ between two clusters."""
    if not isinstance(answer, dict):
        return "text" if isinstance(answer, str) else answer
    if answer.get("kind") == "Status":
        return _status(answer)
    return _without_values(answer)


def _status(status: dict[str, Any]) -> dict[str, Any]:
    details = status.get("details") or {}
    causes = sorted((cause.get("field", ""), cause.get("reason", "")) for cause in details.get("causes", []))
    named = {key: details.get(key) for key in ("name", "group", "kind")}
    return {**{key: status.get(key) for key in ("status", "reason", "code")}, **named, "causes": causes}


def _without_values(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get("kind") == "Status":
            return _status(value)
        kept: dict[str, Any] = {
            key: "set" if key in PER_CLUSTER and item else _without_values(item) for key, item in value.items()
        }
        if "managedFields" in kept:
            kept["managedFields"] = _whenever(kept["managedFields"])
        if "generateName" in kept and "name" in kept:
            kept["name"] = re.sub(r"[bcdfghjklmnpqrstvwxz2456789]{5}$", "*****", kept["name"])
        return kept
    if isinstance(value, list):
        return [_without_values(item) for item in value]
    return value


def _whenever(managers: list[Any]) -> list[Any]:
    """Those of one operation are in the order of their seconds, which a slow machine spreads as it likes.

    Source: structured-merge-diff's managed fields, k8s.io/apimachinery/pkg/util/managedfields/internal/fieldmanager.
    """
    operations = groupby(managers, key=lambda each: each["operation"])
    return [
        each for _, several in operations for each in sorted(several, key=lambda each: json.dumps(each, sort_keys=True))
    ]


def differences(left: Any, right: Any, path: str = "") -> Iterator[str]:
    """One line for each place at which two JSON values differ."""
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(left.keys() | right.keys()):
            yield from differences(left.get(key, "<absent>"), right.get(key, "<absent>"), f"{path}.{key}")
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for index, (one, other) in enumerate(zip(left, right, strict=True)):
            yield from differences(one, other, f"{path}[{index}]")
    elif left != right:
        yield f"{path or 'answer'}: embedded {json.dumps(left)}, real {json.dumps(right)}"


def compared(embedded: list[Exchange], real: list[Exchange]) -> list[str]:
    """Every difference between two conversations; the first unlike request is where to look."""
    found: list[str] = []
    if len(embedded) != len(real):
        found.append(f"embedded took {len(embedded)} exchanges, real {len(real)}")
    for one, other in zip(embedded, real, strict=False):
        if one.code != other.code:
            found.append(f"{one.request}: code: embedded {one.code}, real {other.code} {json.dumps(other.answer)}")
        found.extend(f"{one.request}: {line}" for line in differences(one.answer, other.answer))
    return found
