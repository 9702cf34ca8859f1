"""Histories as Step Functions writes them, told in a line per event."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from provisioner.report.history import Event

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ARN = "arn:aws:states:eu-west-1:111122223333:execution:provision:run-1"

NETWORK = {
    "vpc_id": "vpc-1",
    "private_subnets": [
        {
            "subnet_id": f"subnet-{letter}",
            "availability_zone": f"eu-west-1{letter}",
            "availability_zone_id": f"euw1-az{number}",
            "cidr": f"10.0.{number}.0/24",
        }
        for number, letter in enumerate("abc", start=1)
    ],
}
MOUNT_TARGETS = [
    {
        "mount_target_id": f"fsmt-{number}",
        "availability_zone_id": f"euw1-az{number}",
        "subnet_id": "subnet-x",
        "ip_address": f"10.0.{number}.9",
    }
    for number in (1, 2, 3)
]


class Story:
    """Writes events; every one follows the last of its branch unless `after` says otherwise."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.seconds = 0.0
        self.add("ExecutionStarted", after=0)

    def add(self, kind: str, *, after: int | None = None, **details: Any) -> int:
        number = len(self.events) + 1
        when = START + timedelta(seconds=self.seconds)
        self.events.append(
            {"id": number, "previousEventId": number - 1 if after is None else after, "type": kind, "timestamp": when}
            | details
        )
        return number

    def enter(self, kind: str, name: str, after: int | None = None) -> int:
        return self.add(f"{kind}StateEntered", after=after, stateEnteredEventDetails={"name": name})

    def leave(self, kind: str, name: str, after: int | None = None) -> int:
        return self.add(f"{kind}StateExited", after=after, stateExitedEventDetails={"name": name})

    def task(
        self,
        name: str,
        seconds: float = 1,
        payload: Mapping[str, Any] | None = None,
        *,
        after: int | None = None,
        errors: tuple[str, ...] = (),
    ) -> int:
        """A Task from end to end; with `errors`, attempts that failed before it (the last one too without payload)."""
        self.enter("Task", name, after)
        for error in errors:
            self.add("TaskScheduled")
            self.add("TaskFailed", taskFailedEventDetails={"error": error})
        self.seconds += seconds
        if payload is not None:
            self.add("TaskScheduled")
            self.add("TaskSucceeded", taskSucceededEventDetails={"output": json.dumps({"Payload": payload})})
        return self.leave("Task", name)

    def wait(self, name: str, seconds: float) -> int:
        self.enter("Wait", name)
        self.seconds += seconds
        return self.leave("Wait", name)


def good() -> Story:
    """A network with one wait, two branches side by side, and what comes after both."""
    story = Story()
    story.task("Validate request", 1, {})
    story.task("Ensure network", 1, {"ready": False})
    story.wait("Wait for the network", 15)
    story.task("Ensure network", 1, NETWORK)
    story.enter("Parallel", "Build cluster and storage")
    started = story.add("ParallelStateStarted")
    story.task("Ensure security group", 2, {"security_group_id": "sg-1"}, after=started)
    story.task("Ensure file system", 2, {"file_system_id": "fs-1"})
    story.task("Ensure mount targets", 2, {"mount_targets": MOUNT_TARGETS})
    story.seconds = 18
    story.task("Ensure cluster", 20, {"name": "eks-example", "security_group_id": "sg-other"}, after=started)
    last = story.add("ParallelStateSucceeded")
    story.leave("Parallel", "Build cluster and storage", after=last - 1)
    story.task("Apply storage", 2, {})
    story.task("Store evidence", 1, {})
    return story
