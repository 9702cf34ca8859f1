"""What a pod of the verification is doing, what it printed, and what Kubernetes has to say about it."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

from provisioner.kubernetes.client import KubernetesApi, Manifest
from provisioner.kubernetes.evidence import FileEvidence, MountEvidence, PodEvidence
from provisioner.kubernetes.measured import measured
from provisioner.kubernetes.proof import MOUNT_PATH
from provisioner.verbatim import printable

ZONE_LABEL: Final = "topology.kubernetes.io/zone"
# No more digits than such a number has: Python makes no int of thousands of them, and there is no year 10,000.
_FILE: Final = re.compile(
    r"(?P<lines>\d{1,9}) (?P<sha256>[0-9a-f]{64}) (?P<owner>\d{1,10}:\d{1,10}) (?P<modified>\d{1,11}) (?P<name>.+)",
    re.ASCII,
)
_READ: Final = re.compile(r"(?P<sha256>[0-9a-f]{64}) (?P<place>.+)")
_FINISHED: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
# What the scripts print is shorter, and less: the rest is cut, so that no image can make more of the evidence than a
# payload holds, and what was cut differs from what must be there.
_LINE_CHARACTERS: Final = 500
_MOST_LINES: Final = 100
_WARNINGS_PER_POD: Final = 3
_LOG_TAIL_LINES: Final = 5


class Printed:
    """A pod's log: lines of "<tag> <rest>"; lines with other first words are tools' own complaints.

    An image that somebody chose may print anything: what a terminal would obey is an escape here, and what is longer
    or more than what the scripts print is cut.
    """

    def __init__(self, log: str) -> None:
        self._lines = [printable(line[:_LINE_CHARACTERS]) for line in log.split("\n")]

    def tagged(self, tag: str, most: int = _MOST_LINES) -> list[str]:
        """The first `most` of them."""
        prefix = f"{tag} "
        return list(islice((line.removeprefix(prefix) for line in self._lines if line.startswith(prefix)), most))

    @property
    def finished(self) -> str | None:
        """When the pod's work was done; None while it is not."""
        return next(filter(_FINISHED.fullmatch, self.tagged("done")), None)

    @property
    def last_line(self) -> str:
        return next(filter(None, reversed(self._lines)), "")

    @property
    def tail(self) -> str:
        untagged = [
            line
            for line in self._lines
            if line and not line.startswith(("mount ", "file ", "listing ", "counter ", "took "))
        ]
        return " | ".join(untagged[-_LOG_TAIL_LINES:])

    def files(self, most: int) -> list[FileEvidence]:
        """As many as there can be, and one more, which is one too many."""
        matches = filter(None, map(_FILE.fullmatch, self.tagged("file", most + 1)))
        return [
            FileEvidence(
                name=match["name"],
                lines=int(match["lines"]),
                sha256=match["sha256"],
                owner=match["owner"],
                modified=utc_seconds(datetime.fromtimestamp(int(match["modified"]), UTC)),
            )
            for match in matches
        ]

    def hashes(self) -> dict[str, str]:
        """Place -> sha256 of what could be read there."""
        matches = filter(None, map(_READ.fullmatch, self.tagged("read")))
        return {match["place"]: match["sha256"] for match in matches}

    def mount(self) -> MountEvidence | None:
        """The last mount on /data is the one that is seen."""
        found = None
        for line in self.tagged("mount"):
            fields = line.split()
            if len(fields) >= 4 and fields[1] == MOUNT_PATH:
                found = MountEvidence(source=fields[0], target=fields[1], type=fields[2], options=fields[3])
        return found


def pod_evidence(api: KubernetesApi, pod: Manifest, printed: Printed, finished: str, files: int = 1) -> PodEvidence:
    """Collected while the pod is there: on Fargate its node goes with it. `files`: how many it can tell of."""
    metadata, status = pod["metadata"], pod["status"]
    node = pod["spec"]["nodeName"]
    node_metadata = (api.get("Node", node) or {"metadata": {}})["metadata"]
    container = _containers(pod)[0]
    state = container["state"]
    return PodEvidence(
        pod=metadata["name"],
        node=node,
        node_uid=node_metadata.get("uid"),
        zone=(node_metadata.get("labels") or {}).get(ZONE_LABEL),
        created=metadata["creationTimestamp"],
        scheduled=_condition(status, "PodScheduled").get("lastTransitionTime"),
        running=(state.get("running") or state["terminated"])["startedAt"],
        finished=finished,
        image_digest=container.get("imageID", "").rpartition("@")[2],
        mount=printed.mount(),
        files=printed.files(files),
        measured=measured(printed.tagged("took")),
    )


def phase(pod: Manifest) -> str:
    """Pending, Running, Succeeded, Failed or Unknown."""
    return str(pod.get("status", {}).get("phase", "Pending"))


def is_ready(pod: Manifest) -> bool:
    return _condition(pod["status"], "Ready").get("status") == "True"


def start_error(pod: Manifest) -> str | None:
    """What kept a container from having a process at all; it then has printed nothing."""
    ended = (each.get("state", {}).get("terminated", {}) for each in _containers(pod))
    return next((each["message"] for each in ended if each.get("reason") == "StartError" and "message" in each), None)


def is_leaving(pod: Manifest) -> bool:
    return "deletionTimestamp" in pod["metadata"]


def is_held_by_default_scheduler(pod: Manifest) -> bool:
    """Pending where nobody will ever schedule it: made before a Fargate profile matched it.

    Source: EKS user guide, "Troubleshoot Fargate": such pods keep default-scheduler and must be recreated.
    """
    spec = pod["spec"]
    return (
        phase(pod) == "Pending"
        and not spec.get("nodeName")
        and spec.get("schedulerName", "default-scheduler") == "default-scheduler"
    )


def troubles(api: KubernetesApi, pods: Iterable[Manifest]) -> str:
    """Phases and latest distinct warnings, verbatim: this is how FailedMount shows. Pods alike share a clause."""
    alike: dict[str, list[str]] = {}
    for pod in pods:
        alike.setdefault(_trouble(api, pod), []).append(pod["metadata"]["name"])
    return "; ".join(
        f"Pod {first} is {trouble}" + (f" and so {'are' if others[1:] else 'is'} {', '.join(others)}" if others else "")
        for trouble, (first, *others) in alike.items()
    )


def say_why(api: KubernetesApi, pods: Iterable[Manifest]) -> bool:
    """Whether there is more to tell of them than that they are not done."""
    return any(_said_of(api, pod) for pod in pods)


def _trouble(api: KubernetesApi, pod: Manifest) -> str:
    """Of one that only runs on, what it prints: it may be no more than half of what it was to."""
    said = _said_of(api, pod)
    if not said and phase(pod) == "Running" and (last := Printed(api.logs(pod)).last_line):
        said = [f"it printed last: {last}"]
    return phase(pod) + (f" ({'; '.join(said)})" if said else "")


def _said_of(api: KubernetesApi, pod: Manifest) -> list[str]:
    metadata = pod["metadata"]
    waiting = [
        f"{state.get('reason')}: {state.get('message', '')}".rstrip(": ")
        for container in _containers(pod)
        if (state := container.get("state", {}).get("waiting")) and state.get("reason") != "ContainerCreating"
    ]
    events = api.list("Event", metadata["namespace"], fields=f"involvedObject.uid={metadata['uid']}")
    return [*waiting, *_latest_warnings(events)]


# Harmless: every pod on Fargate gets it in a cluster that has not set up logging.
# Source: EKS user guide, "Fargate logging"; containers-roadmap#2165.
HARMLESS_REASONS: Final = frozenset({"LoggingDisabled"})


def latest_messages(events: Iterable[Manifest]) -> list[str]:
    """What the events say, latest first, each thing once."""
    return list(dict.fromkeys(str(each.get("message", "")) for each in sorted(events, key=_last_seen, reverse=True)))


def _latest_warnings(events: Iterable[Manifest]) -> list[str]:
    warnings = sorted(
        (event for event in events if event.get("type") == "Warning" and event.get("reason") not in HARMLESS_REASONS),
        key=_last_seen,
        reverse=True,
    )
    distinct = dict.fromkeys(f"{event.get('reason')}: {event.get('message')}" for event in warnings)
    return list(distinct)[:_WARNINGS_PER_POD]


def _last_seen(event: Manifest) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp") or "")


def _containers(pod: Manifest) -> list[dict[str, Any]]:
    return list(pod.get("status", {}).get("containerStatuses") or [])


def _condition(status: Manifest, kind: str) -> dict[str, Any]:
    return next((each for each in status.get("conditions") or [] if each["type"] == kind), {})


def utc_seconds(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
