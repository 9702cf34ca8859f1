"""What can befall a state: its function is killed, or its whole execution is stopped."""

import json
from typing import Final

from campaign.faults import Fault
from campaign.machines import Stack
from campaign.requests import Request, request_of
from local.wire import Answer, Exchange

_KILLED: Final = {
    "errorType": "Runtime.ExitError",
    "errorMessage": "RequestId: 00000000-0000-0000-0000-000000000000 Error: Runtime exited with error: signal: killed",
}
"""Source: aws-lambda-developer-guide, "Troubleshoot execution issues": how Lambda tells of an end by the kernel."""


class Death:
    """Stands on the wire. `moment` is the request of the function after which it is killed in the middle."""

    def __init__(self, invocation: Request, fault: Fault, stack: Stack, moment: Request | None) -> None:
        self.struck = 0
        self._invocation, self._fault, self._stack, self._moment = invocation, fault, stack, moment

    def __call__(self, exchange: Exchange) -> Answer:
        asked = request_of(exchange)
        if self.struck:
            return exchange.perform()
        if self._fault is Fault.KILLED_IN_THE_MIDDLE:
            answer = exchange.perform()
            if asked == self._moment and self._stack.kill(self._function):
                self.struck += 1
            return answer
        if asked != self._invocation:
            return exchange.perform()
        self.struck += 1
        if self._fault is Fault.STOPPED:
            self._stack.stop(json.loads(exchange.call.body)["execution_arn"])
        answer = Answer(200) if self._fault is Fault.KILLED_BEFORE else exchange.perform()
        return answer if self._fault is Fault.STOPPED else _killed(answer)

    @property
    def _function(self) -> str:
        return self._invocation.name.rpartition(" ")[2]


def _killed(answer: Answer) -> Answer:
    """In place of what the function has answered, if it has."""
    headers = {name: value for name, value in answer.headers.items() if name.lower() != "content-length"}
    told = json.dumps(_KILLED).encode()
    return Answer(200, {**headers, "x-amz-function-error": "Unhandled", "Content-Type": "application/json"}, told)
