"""What `ensure` saw: ready or not, why not, when to look again, and the ids found on the way."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Reason(StrEnum):
    """Why something is not ready yet. Waiting is data, not an error."""

    READY = "Ready"
    WAITING_FOR_ORGANIZATIONAL_UNIT = "WaitingForOrganizationalUnit"
    CREATING = "Creating"
    UPDATING = "Updating"
    UPGRADING = "Upgrading"
    DELETING = "Deleting"
    WAITING_FOR_ANOTHER_PROFILE = "WaitingForAnotherProfile"
    WAITING_FOR_FILE_SYSTEM = "WaitingForFileSystem"
    WAITING_FOR_FARGATE_PROFILE = "WaitingForFargateProfile"
    ACCESS_NOT_YET_EFFECTIVE = "AccessNotYetEffective"
    WAITING_FOR_CLAIM_TO_BIND = "WaitingForClaimToBind"
    WAITING_FOR_PODS = "WaitingForPods"
    WAITING_FOR_NETWORK_INTERFACES = "WaitingForNetworkInterfaces"
    WAITING_FOR_OTHERS = "WaitingForOthers"
    STRAYS_TERMINATING = "StraysTerminating"
    WRITERS_STARTING = "WritersStarting"
    WRITERS_WRITING = "WritersWriting"
    WRITERS_TERMINATING = "WritersTerminating"
    NEIGHBOUR_STARTING = "NeighbourStarting"
    NEIGHBOUR_LOOKING = "NeighbourLooking"
    READER_STARTING = "ReaderStarting"
    READER_READING = "ReaderReading"
    CLEANING_UP = "CleaningUp"


@dataclass(frozen=True)
class Observation:
    """`facts` holds JSON values only: ids and names that later states need, under snake_case keys."""

    ready: bool
    reason: Reason
    retry_after_seconds: int
    facts: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def ready_with(cls, **facts: Any) -> "Observation":
        return cls(True, Reason.READY, 0, facts)

    @classmethod
    def pending(cls, reason: Reason, *, retry_after_seconds: int, **facts: Any) -> "Observation":
        return cls(False, reason, retry_after_seconds, facts)

    def payload(self) -> dict[str, Any]:
        """{ready, reason, retry_after_seconds, …facts}: what the state machine sees."""
        return {
            "ready": self.ready,
            "reason": str(self.reason),
            "retry_after_seconds": self.retry_after_seconds,
            **self.facts,
        }


@dataclass(frozen=True)
class Looks:
    """At what AWS makes: few while it cannot be ready, many when every one may be the last. In seconds."""

    earliest_ready: int
    early: int
    late: int

    def next_after(self, created_at: datetime, now: datetime) -> int:
        return self.early if (now - created_at).total_seconds() < self.earliest_ready else self.late
