"""The requests that a machine makes, each by who makes it: a function, or the state machine itself."""

import re
import threading
from dataclasses import dataclass

from local.wire import Answer, Exchange

_FUNCTION = re.compile(r"-([A-Z][A-Za-z]*)Function(?:Role)?-")
_MACHINE = re.compile(r"-([A-Z][a-z]+)StateMachineRole-")
READING = re.compile(r":(Describe|Get|List|Lookup|Search|Simulate|Scan|Query|GET|HEAD|get|list)")


@dataclass(frozen=True, order=True)
class Request:
    """`EnsureCluster eks:CreateCluster`, `ApplyStorage kubernetes:patch storageclasses`."""

    caller: str
    name: str

    @classmethod
    def of(cls, told: str) -> "Request":
        """The inverse of `str`."""
        return cls(*told.split(" ", 1))

    def __str__(self) -> str:
        return f"{self.caller} {self.name}"

    @property
    def is_the_machines(self) -> bool:
        """Not a function's: Step Functions makes it."""
        return self.caller in ("Provision", "Reverify", "Fleet", "Teardown")

    @property
    def reads(self) -> bool:
        return READING.search(self.name) is not None


def request_of(exchange: Exchange) -> Request | None:
    """None of what nobody of the program asks."""
    caller = _FUNCTION.search(exchange.caller) or _MACHINE.search(exchange.caller)
    if caller is None:
        return None
    name = exchange.call.name
    if name == "lambda:Invoke" and (function := _FUNCTION.search(exchange.call.path)):
        name = f"{name} {function[1]}"
    return Request(caller[1], name)


class Recorder:
    """Stands on the wire and changes nothing."""

    def __init__(self) -> None:
        self.seen: list[Request] = []
        self._lock = threading.Lock()

    def __call__(self, exchange: Exchange) -> Answer:
        if request := request_of(exchange):
            with self._lock:
                self.seen.append(request)
        return exchange.perform()
