"""What is between the program and its services: whoever stands there sees each request, and decides what comes back."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from local.aws.hooks import Call, Undo

FATE = "x-embedded-fate"
"""A header that no client sees: what becomes of an answer on its way."""
RESET, UNANSWERED, MANGLED, REFUSED = "reset", "unanswered", "mangled", "refused"
"""The connection breaks off; the client hears nothing for as long as it listens, scaled as every wait is; it hears
something that is no answer; or an error that the operation's model need not know."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Exchange:
    """One request to AWS or to a cluster's Kubernetes API, not yet answered."""

    call: Call
    caller: str
    """The ARN of who signed it, or Kubernetes' name of its user."""
    protocol: str
    """As the service's model names it (`query`, `ec2`, `json`, `rest-json`, `rest-xml`), or `kubernetes`."""
    question: str
    """All that is asked, but for who asks and when: the same answer is to be expected of the same question."""
    perform: Callable[[], Answer]
    refuse: Callable[[int, str, str], Answer]
    """An error of this status, code and message, in the service's own form."""


Between = Callable[[Exchange], Answer]


class Wire:
    """Nobody stands in between, or one does."""

    def __init__(self) -> None:
        self._between: Between | None = None
        self._lock = threading.Lock()

    def put_between(self, between: Between) -> Undo:
        """From now on, and until the returned function is called; called in the thread that answers."""
        with self._lock:
            if self._between is not None:
                raise RuntimeError("somebody stands between the program and its services already")
            self._between = between

        def undo() -> None:
            with self._lock:
                self._between = None

        return undo

    def __bool__(self) -> bool:
        return self._between is not None

    def pass_on(self, exchange: Exchange) -> Answer:
        between = self._between
        return between(exchange) if between else exchange.perform()


def kubernetes_status(status: int, reason: str, message: str) -> Answer:
    """As the API refuses. Source: Kubernetes API conventions, "Response status kind"."""
    told = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    body = json.dumps({**told, "message": message, "reason": reason, "code": status}).encode()
    return Answer(status, {"Content-Type": "application/json"}, body)
