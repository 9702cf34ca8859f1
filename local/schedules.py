"""Schedules that fire as time passes here: at scale 0.001 a day takes 86 seconds.

At scale 0 time does not pass, things merely happen at once: there schedules are fired by hand (patches/scheduler.py).
"""

import logging
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.scheduler.models import scheduler_backends

from local.aws.patches import scheduler
from local.aws.schedule_times import next_time
from local.cloud import EmbeddedCloud

LOGGER = logging.getLogger(__name__)
LOOK_SECONDS = 0.2


class PassingTime:
    """Fires every enabled schedule of the cloud when it is due, from `start` to `stop`."""

    def __init__(self, cloud: EmbeddedCloud) -> None:
        self._cloud = cloud
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="schedules")
        self._started, self._started_at = time.monotonic(), datetime.now(UTC)

    def now(self) -> datetime:
        """The time of day in the embedded cloud."""
        return self._started_at + timedelta(seconds=(time.monotonic() - self._started) / self._cloud.clock.scale)

    def start(self) -> None:
        if self._cloud.clock.scale > 0:
            self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread.ident:
            self._thread.join()

    def _run(self) -> None:
        seen_until = self.now()
        while not self._stopped.wait(LOOK_SECONDS):
            until = self.now()
            for schedule in self._schedules():
                self._fire_if_due(schedule, seen_until, until)
            seen_until = until

    def _schedules(self) -> list[Any]:
        backend = scheduler_backends[self._cloud.account_id][self._cloud.region]
        return [schedule for group in list(backend.schedule_groups.values()) for schedule in group.schedules.values()]

    def _fire_if_due(self, schedule: Any, after: datetime, until: datetime) -> None:
        """Once, however often it was due meanwhile: at a small scale a day passes between two looks."""
        created = datetime.fromtimestamp(float(schedule.creation_date), UTC)
        due = next_time(schedule.schedule_expression, after, created)
        if schedule.state == "ENABLED" and due is not None and due <= until:
            try:
                scheduler.fire(self._cloud.server, schedule.name, schedule.group_name)
            except Exception:
                LOGGER.exception("schedule %s did not start anything", schedule.name)
