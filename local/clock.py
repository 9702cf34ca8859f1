"""How long things take in the embedded cloud: typical AWS durations, scaled by one number.

Scale 1 is real time; at scale 0 everything finishes at once, except that nothing is ever *already* finished when it is
created and that what AWS only promises eventually stays eventual: waiting code must be exercised at every scale.
Source: AWS guides and the project's own runs (facts/aws.md); values are the middle of the seen range.
"""

import os
import threading
import time
from collections.abc import Callable

TYPICAL_SECONDS = {
    "cluster": 600.0,
    "cluster update": 120.0,
    "cluster version update": 600.0,
    "cluster deletion": 180.0,
    "control plane logs": 60.0,
    "insights refresh": 60.0,
    "Fargate profile": 120.0,
    "Fargate profile deletion": 120.0,
    "access entry": 8.0,
    "node group": 120.0,
    "node group deletion": 180.0,
    "add-on": 30.0,
    "add-on deletion": 10.0,
    "file system": 8.0,
    "file system deletion": 5.0,
    "file system update": 5.0,
    "file system size": 3600.0,
    "replication": 180.0,
    "replication deletion": 120.0,
    "backup": 600.0,
    "backup deletion": 60.0,
    "mount target": 90.0,
    "mount target DNS": 60.0,
    "mount target deletion": 30.0,
    "access point": 3.0,
    "NAT gateway": 90.0,
    "NAT gateway deletion": 60.0,
    "VPC endpoint deletion": 60.0,
    "resolver endpoint deletion": 60.0,
    "transit gateway attachment deletion": 60.0,
    "load balancer interface": 60.0,
    "control plane interface": 60.0,
    "mount target interface": 15.0,
    "pod interface": 30.0,
    # A VPC, its subnets, routes and internet gateway: gist.github.com/maishsk/9d7d1b104d7f33bb8bda034f9589e93e. Which
    # subnet has which routes is the last quarter of it, after the subnets: widdix/aws-s3-virusscan#39.
    "stack": 30.0,
    "stack of subnets": 22.0,
    "pod": 57.0,
}

SEEN_ONCE_SECONDS = 0.05
"""The least any creation takes, so that a describe right after it sees it under way."""

CONSISTENCY_SECONDS = {"access entry": 0.3, "mount target DNS": 0.1}
"""The least an eventually consistent effect takes to show."""

LEAST_WAIT_SECONDS = 0.03
LEAST_WAIT_SCALE = 150
LONGEST_LEAST_WAIT = 15.0
MOST_CROWDED = 3.0
"""At scale 0 a Wait of 15 seconds takes 0.13 s, and so does a longer one: in good runs it is for what is there already.
Shorter ones are a loop's, whose patience is to be some seconds."""


class Clock:
    """Scaled time. `scale` multiplies every duration; 0 is as fast as it goes."""

    def __init__(self, scale: float) -> None:
        if scale < 0:
            raise ValueError(f"a time scale is 0 or more, not {scale}")
        self.scale = scale
        self._due: list[float] = []
        self._to_come, self._lock = 0, threading.Lock()

    def seconds(self, real: float) -> float:
        """What `real` seconds on AWS take here."""
        return real * self.scale

    def waited(self, real: float) -> float:
        """How long somebody here waits who would wait `real` seconds on AWS.

        Never nothing: a loop that may look sixty times before it gives up must not have done so within a second, for
        some things (a real control plane that starts) take their own time at every scale, and all of them more of it
        on a machine that has other work.
        """
        least = LEAST_WAIT_SECONDS + min(real, LONGEST_LEAST_WAIT) / LEAST_WAIT_SCALE
        return max(self.seconds(real), least * _crowding())

    def since(self, start_monotonic: float) -> float:
        """Seconds passed here since a time.monotonic() reading."""
        return time.monotonic() - start_monotonic

    def delay(self, what: str) -> float:
        """What the named thing takes here, in seconds."""
        return max(CONSISTENCY_SECONDS.get(what, SEEN_ONCE_SECONDS), self.seconds(TYPICAL_SECONDS[what]))

    def begin(self, what: str) -> Callable[[], None]:
        """Work of this machine that stands for the named thing begins; it ends when what this returns is called.

        On a slow machine it takes longer than the scaled time of the thing; is_behind() says so.
        """
        due = time.monotonic() + self.delay(what)
        self._due.append(due)
        return lambda: self._due.remove(due)

    def is_behind(self) -> bool:
        """Whether work goes on that would have ended by now on AWS: who waits for it has no time to lose by that."""
        return any(due < time.monotonic() for due in list(self._due))

    def later(self, what: str, action: Callable[[], None]) -> None:
        """Does `action` in a thread of its own once the named thing has taken its time."""
        self._count(1)

        def act() -> None:
            try:
                action()
            finally:
                self._count(-1)

        timer = threading.Timer(self.delay(what), act)
        timer.daemon = True
        timer.start()

    def has_to_come(self) -> bool:
        """Whether an action for `later` has not been done yet."""
        return self._to_come > 0

    def _count(self, more: int) -> None:
        with self._lock:
            self._to_come += more


def _crowding() -> float:
    """How many want each processor of the machine, of late: at least one, and no more than a test has patience for."""
    return min(MOST_CROWDED, max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)))
