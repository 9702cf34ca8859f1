"""What can befall a trigger: it comes a second time while the execution that it has started is in one of its states."""

import json
import threading
from collections.abc import Sequence

from campaign.faults import Fault
from campaign.machines import Stack
from campaign.requests import Request, request_of
from local.wire import Answer, Exchange


class Again:
    """Stands on the wire. `started` are the executions that there are because of it."""

    def __init__(self, invocation: Request, fault: Fault, stack: Stack) -> None:
        self.struck = 0
        self.started: Sequence[str] = ()
        self._invocation, self._fault, self._stack = invocation, fault, stack
        self._lock = threading.Lock()

    def __call__(self, exchange: Exchange) -> Answer:
        if request_of(exchange) == self._invocation and self._is_first():
            execution_arn = json.loads(exchange.call.body)["execution_arn"]
            again = self._stack.start_again(execution_arn, by_its_name=self._fault is Fault.STARTED_AGAIN)
            self.started = [each for each in (again,) if each != execution_arn]
        return exchange.perform()

    def _is_first(self) -> bool:
        """The second execution makes the same request."""
        with self._lock:
            self.struck += 1
            if self.struck > 1:
                self.struck = 1
                return False
            return True
