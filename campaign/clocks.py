"""What can befall a function's clock: it is an hour off, for so many invocations."""

import threading
from typing import Final

from campaign.faults import Fault
from campaign.machines import Stack
from campaign.requests import Request, request_of
from local.wire import Answer, Exchange

_HOUR_SECONDS: Final = 3600.0


class WrongClock:
    """Stands on the wire: an environment of its own, with that clock, for each invocation that the fault is for."""

    def __init__(self, invocation: Request, fault: Fault, times: range, stack: Stack) -> None:
        self.struck = 0
        self._asked = -1
        self._invocation, self._times, self._stack = invocation, times, stack
        self._seconds_ahead = _HOUR_SECONDS if fault is Fault.CLOCK_AHEAD else -_HOUR_SECONDS
        self._function = invocation.name.rpartition(" ")[2]
        self._lock = threading.Lock()

    def __call__(self, exchange: Exchange) -> Answer:
        if request_of(exchange) != self._invocation:
            return exchange.perform()
        with self._lock:
            self._asked += 1
            is_due = self._asked in self._times
            self.struck += is_due
        if not is_due:
            return exchange.perform()
        self._stack.retire(self._function)
        self._stack.set_clock(self._function, self._seconds_ahead)
        try:
            return exchange.perform()
        finally:
            self._stack.set_clock(self._function, 0.0)
            self._stack.retire(self._function)
