"""Everything that was said about a failure: by this application, by Kubernetes, by EKS and EFS.

Reading may fail, each source by itself; what the failure says is always there.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from provisioner.diagnosis.live import Live
from provisioner.diagnosis.live.objects import said_by
from provisioner.diagnosis.model import Failure, Signal
from provisioner.diagnosis.rules.states import BUILDING, INSIDE, RESOLVING, VERIFYING
from provisioner.kubernetes.client import Manifest
from provisioner.kubernetes.pods import HARMLESS_REASONS
from provisioner.resources import health

# `Reason: subject; remedy` of errors.py, with `Operation …: Code (AWS's words)` of aws/errors.py inside.
_OURS: Final = re.compile(
    r"(?P<reason>[A-Z][A-Za-z]+): (?:(?P<operation>[A-Z][a-z]+[A-Z][A-Za-z]+)(?: [^:]*)?: (?P<code>[A-Z][\w.]+))?"
)
_WAITED: Final = re.compile(r"(?:: |still )(?P<reason>[A-Z][A-Za-z]+) after (?:waiting )?\d+ s")
# That a container ends again and again says nothing of why.
_AGAIN_AND_AGAIN: Final = ("CrashLoopBackOff",)
_STILL: Final = re.compile(r"^VerificationFailed: (?:volume \S+: )?still [A-Z]\w+ after \d+ s")
_POD: Final = re.compile(r"Pod \S+ is [A-Z][a-z]+ \(")
_POD_FAILED: Final = re.compile(r"Pod \S+ failed: ")
# `(Reason: message; Reason: message)` of kubernetes/pods.py.
_SAID: Final = re.compile(r"(?:\(|; )([A-Z][A-Za-z]+): ")


# What tells two messages of one kind apart, and no cause from another: names of the run's pods, uids, addresses, ports.
_PARTICULARS: Final = re.compile(
    r"verification-[0-9a-f]+(-\d+)?-[a-z]+(-[a-z0-9]+)*|coredns-[a-z0-9]+-[a-z0-9]+|\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b|"
    r"\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b"
)


def gist(text: str) -> str:
    """The same for every pod that says the same."""
    return _PARTICULARS.sub("…", text)


def of_failure(failure: Failure) -> list[Signal]:
    """The failure as one signal, then each pod's warnings that its words carry."""
    cause = failure.cause
    ours = _OURS.match(cause)
    reasons = {failure.error}
    if ours:
        reasons |= {value for value in (ours["reason"], ours["code"]) if value}
    if waited := _WAITED.search(cause):
        reasons.add(waited["reason"])
    if _POD_FAILED.search(cause):
        reasons.add("PodFailed")
    operation = (ours["operation"] if ours else None) or ""
    # That pods waited is no news; what they said is.
    is_news = _STILL.search(cause) is None
    return [Signal(cause, frozenset(reasons), operation, is_news), *_pods_said(cause)]


def _pods_said(cause: str) -> Iterator[Signal]:
    for section in _POD.split(cause)[1:]:
        # Up to the parenthesis that closes it; a cause that was cut off has none.
        _, *words = _SAID.split("(" + (section.rpartition(")")[0] or section))
        for reason, text in zip(words[::2], words[1::2], strict=True):
            yield Signal(text, frozenset({reason}), is_news=reason not in _AGAIN_AND_AGAIN)


def of_live_state(live: Live, failure: Failure) -> list[Signal]:
    """Events and conditions that are there now, latest first; a source that cannot be read says nothing."""
    sources: list[Callable[[Live], Iterable[Signal]]] = []
    if failure.state in VERIFYING:
        sources += [_events, _pods]
    if failure.state in RESOLVING:
        sources += [_addon]
    if failure.state in BUILDING | INSIDE:
        sources += [_cluster]
    if failure.state in BUILDING:
        sources += [_profiles]
    if failure.state in VERIFYING | BUILDING:
        sources += [_file_system]
    return [signal for source in sources for signal in _read(source, live)]


def _read(source: Callable[[Live], Iterable[Signal]], live: Live) -> list[Signal]:
    try:
        return list(source(live))
    except Exception:  # what cannot be read is told by the probe that reads the same
        return []


def _events(live: Live) -> Iterator[Signal]:
    for event in [*live.objects.warnings, *live.objects.dns_warnings]:
        # Writers are not ready before they have written: that is no trouble.
        if event.get("reason") not in HARMLESS_REASONS | {"Unhealthy"}:
            text = str(event.get("message", ""))
            # That a container ends again and again says nothing of why.
            is_news = not text.startswith("Back-off restarting failed container")
            yield Signal(text, frozenset({str(event.get("reason"))}), said_by(event), is_news)


def _pods(live: Live) -> Iterator[Signal]:
    for name in live.objects.held_pods:
        text = f"Pod {name} is Pending with schedulerName default-scheduler"
        yield Signal(text, frozenset({"HeldByDefaultScheduler"}))
    for pod in live.objects.pods:
        yield from _waiting(pod)


def _waiting(pod: Manifest) -> Iterator[Signal]:
    for container in pod.get("status", {}).get("containerStatuses") or []:
        waiting = (container.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") not in (None, "ContainerCreating", "PodInitializing"):
            text, reason = str(waiting.get("message") or waiting["reason"]), str(waiting["reason"])
            yield Signal(text, frozenset({reason}), "kubelet", is_news=reason not in _AGAIN_AND_AGAIN)


def _cluster(live: Live) -> Iterator[Signal]:
    cluster = live.eks.cluster
    if cluster is not None:
        yield from _condition("cluster", cluster["name"], cluster)


def _profiles(live: Live) -> Iterator[Signal]:
    for profile in live.eks.profiles:
        yield from _condition("Fargate profile", profile["fargateProfileName"], profile)


def _addon(live: Live) -> Iterator[Signal]:
    addon = live.eks.dns_addon
    if addon is not None:
        yield from _condition("add-on", addon["addonName"], addon)


def _condition(component: str, name: str, described: Mapping[str, Any]) -> Iterator[Signal]:
    issues = described.get("health", {}).get("issues", [])
    status = str(described["status"])
    if issues or status.endswith("FAILED") or status == "DEGRADED":
        codes = {str(issue.get("code")) for issue in issues}
        yield Signal(
            f"{component} {name} is {status}: {health.summary(issues)}", frozenset({status, *codes}), component
        )


def _file_system(live: Live) -> Iterator[Signal]:
    own = live.file_system.own
    if own is not None and own["LifeCycleState"] == "error":
        yield Signal(f"{own['FileSystemId']} is in the state error", frozenset({"error"}), "file system")
    for each in live.file_system.mount_targets.values():
        if each["LifeCycleState"] == "error":
            text = f"{each['MountTargetId']} in {each['SubnetId']} is in the state error"
            yield Signal(text, frozenset({"error"}), "mount target")
