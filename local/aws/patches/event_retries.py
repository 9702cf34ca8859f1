"""Deliveries that EventBridge makes again: what a target had no room for, until it is taken, too old or tried too much.

moto lacks: them. Sources: EventBridge user guide, "How EventBridge retries delivering events" (24 hours and 185 times
unless the target says otherwise, with back-off and jitter) and "Using dead-letter queues" (what the message says then).
How long it backs off is not published: here it doubles from a second, and stays where 185 times make a day.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from local.aws.rates import ThrottledError

if TYPE_CHECKING:
    from local.aws.server import AwsServer

MOST_ATTEMPTS, OLDEST_SECONDS = 185, 86_400.0
FIRST_SECONDS, MOST_SECONDS = 1.0, 512.0


class GiveUp(Protocol):
    def __call__(self, error: Exception, **after: str) -> None:
        """`after`: attributes of the dead letter."""


def deliver(server: AwsServer, policy: Mapping[str, Any], attempt: Callable[[], None], give_up: GiveUp) -> None:
    """At once, in the calling thread; what is throttled again and again in one of its own."""
    try:
        attempt()
    except ThrottledError as throttled:
        again = (server, policy, attempt, give_up, throttled)
        threading.Thread(target=_repeat, args=again, daemon=True, name="event-retries").start()
    except Exception as error:
        give_up(error)


def _repeat(
    server: AwsServer, policy: Mapping[str, Any], attempt: Callable[[], None], give_up: GiveUp, error: Exception
) -> None:
    most = int(policy.get("MaximumRetryAttempts", MOST_ATTEMPTS))
    oldest = float(policy.get("MaximumEventAgeInSeconds", OLDEST_SECONDS))
    age, condition = 0.0, "MaximumRetryAttempts"
    for number in range(most):
        wait = min(MOST_SECONDS, FIRST_SECONDS * 2**number) * random.uniform(0.5, 1.0)
        age += wait
        if age > oldest:
            most, condition = number, "MaximumEventAgeInSeconds"
            break
        time.sleep(server.scaled(wait))
        if not server.is_running:
            return
        try:
            return attempt()
        except ThrottledError as throttled:
            error = throttled
        except Exception as other:
            return give_up(other)
    give_up(error, EXHAUSTED_RETRY_CONDITION=condition, RETRY_ATTEMPTS=str(most))
