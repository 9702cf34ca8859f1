"""Pods that pass for the run's, and images that print what the run's pods would print, or anything else."""

import copy
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.errors import TerminalError
from provisioner.kubernetes import stand_ins
from provisioner.kubernetes import verification_objects as objects
from provisioner.kubernetes.client import LOGS_BYTES, Manifest
from provisioner.kubernetes.measured import measured
from provisioner.kubernetes.pods import Printed
from tests.unit.kubernetes.fake_cluster import TIME, FakeCluster
from tests.unit.kubernetes.samples import a_request
from tests.unit.kubernetes.test_verification import RUN, objects_left, run, step

REQUEST = a_request()
OWN = objects.reader(REQUEST, RUN)
ESC, NUL = "\x1b[2J\x1b]0;owned\x07", "\x00"
HOUR = "9" * 5000


def changed(change: Callable[[dict[str, Any], dict[str, Any]], object]) -> str:
    """What is said of the run's own reader, once that has been done to its spec and its container."""
    pod = copy.deepcopy(OWN)
    change(pod["spec"], pod["spec"]["containers"][0])
    return stand_ins.differences(pod, OWN["spec"])


def mounted(path: str, **more: str) -> Callable[[dict[str, Any], dict[str, Any]], object]:
    return lambda _, container: container["volumeMounts"].append({"name": "theirs", "mountPath": path, **more})


STAND_INS: dict[str, tuple[Callable[[dict[str, Any], dict[str, Any]], object], str]] = {
    "another command": (lambda _, c: c.update(command=["/bin/echo"]), "its command is another"),
    "another script": (lambda _, c: c.update(args=["echo done"]), "its args is another"),
    "no script": (lambda _, c: c.pop("args"), "its args is another"),
    "another container": (lambda _, c: c.update(name="mine"), "it has no container verification"),
    "another run": (lambda _, c: c["env"][0].update(value="0"), "its RUN is another"),
    "without its nonce": (lambda _, c: c["env"].pop(1), "its NONCE is another"),
    "programs from elsewhere": (lambda _, c: c["env"].append({"name": "PATH", "value": "/data"}), "it is given PATH"),
    "a library": (lambda _, c: c["env"].append({"name": "LD_PRELOAD", "value": "x"}), "it is given LD_PRELOAD"),
    "unknown variables": (lambda _, c: c.update(envFrom=[{"configMapRef": {"name": "x"}}]), "it has a envFrom"),
    "a hook that prints": (lambda _, c: c.update(lifecycle={"postStart": {}}), "it has a lifecycle"),
    "a probe that prints": (lambda _, c: c.update(livenessProbe={"exec": {}}), "it has a livenessProbe"),
    "a program mounted over": (mounted("/bin/sh", subPath="sh"), "/bin/sh is mounted too"),
    "programs mounted over": (mounted("/bin"), "/bin is mounted too"),
    "a directory for all": (lambda _, c: c["volumeMounts"][0].update(subPath="x"), "/data is not mounted as it"),
    "another claim": (
        lambda s, _: s["volumes"][0]["persistentVolumeClaim"].update(claimName="mine"),
        "its volume is another claim's",
    ),
    "no volume": (
        lambda s, _: s.update(volumes=[{"name": "storage", "emptyDir": {}}]),
        "its volume is another claim's",
    ),
    "shared processes": (lambda s, _: s.update(shareProcessNamespace=True), "its containers share their processes"),
    "a debugger": (lambda s, _: s.update(ephemeralContainers=[{"name": "debug"}]), "somebody debugs it"),
}


@pytest.mark.parametrize("name", STAND_INS)
def test_whoever_runs_something_else_under_the_runs_name_is_none_of_its_pods(name: str) -> None:
    change, said = STAND_INS[name]
    assert said in changed(change)


def test_what_a_cluster_adds_to_every_pod_makes_no_stranger_of_it() -> None:
    def admitted(spec: dict[str, Any], container: dict[str, Any]) -> None:
        spec.update(schedulerName="fargate-scheduler", tolerations=[{}], serviceAccountName="default")
        container.update(
            image="mirror.example/busybox:1.37", imagePullPolicy="IfNotPresent", terminationMessagePath="/x"
        )
        container["env"].append({"name": "AWS_STS_REGIONAL_ENDPOINTS", "value": "regional"})
        secrets = "/var/run/secrets/eks.amazonaws.com/serviceaccount"
        container["volumeMounts"].append({"name": "aws-iam-token", "mountPath": secrets, "readOnly": True})
        spec["volumes"].append({"name": "aws-iam-token", "projected": {}})
        spec["containers"].insert(0, {"name": "sidecar", "image": "mesh"})

    assert stand_ins.differences(OWN, OWN["spec"]) == ""
    assert changed(admitted) == ""


@pytest.mark.parametrize("role", ["writer", "appender", "reader"])
def test_a_pod_that_somebody_made_in_the_place_of_the_runs_ends_the_run_whatever_it_prints(role: str) -> None:
    cluster = FakeCluster()
    with pytest.raises(TerminalError) as caught:
        run_with_a_stand_in(cluster, role)
    assert re.search(
        rf"Pod verification-{RUN}-{role}\S* is not what this run makes: its args is another", str(caught.value)
    )
    cluster.tick()
    assert objects_left(cluster) == set()


def run_with_a_stand_in(cluster: FakeCluster, role: str) -> None:
    """A writer beside the others, before they are made; the appender made again; a reader before the run's own is."""
    when = {"writer": None, "appender": "write", "reader": "stop_writers"}[role]
    progress: Any = None
    while True:
        if (progress or {}).get("phase") == when:
            cluster.put(stand_in(role))
        progress = step(cluster, REQUEST, progress).facts["progress"]
        cluster.tick()


def stand_in(role: str) -> Manifest:
    """The run's own pod, but that it runs something else."""
    pods = {
        "writer": objects.writers(REQUEST, RUN)["spec"]["template"],
        "appender": objects.appender(REQUEST, RUN),
        "reader": objects.reader(REQUEST, RUN),
    }
    pod: Manifest = {**copy.deepcopy(pods[role]), "apiVersion": "v1", "kind": "Pod"}
    pod["metadata"] |= {"name": f"verification-{RUN}-{role}", "namespace": "default"}
    pod["spec"]["containers"][0]["args"] = ["echo what the run's own would print"]
    return pod


def image_prints(role: str, text: Callable[[str], str]) -> str:
    """Why a run ends in which an image prints that in place of what the script prints."""
    cluster = FakeCluster(voices={role: text})
    with pytest.raises(TerminalError) as caught:
        run(cluster, a_request(verification={"timeout_seconds": 300}))
    said = str(caught.value)
    assert said.startswith("VerificationFailed: ")
    assert len(said) < 10_000
    assert said.replace("\n", "").isprintable()
    cluster.tick()
    assert objects_left(cluster) == set()
    return said


def replaced(before: str, after: str) -> Callable[[str], str]:
    return lambda text: text.replace(before, after)


HOSTILE: dict[str, tuple[str, Callable[[str], str], str]] = {
    "megabytes in one line": ("reader", lambda _: "x" * LOGS_BYTES, "printed 1048576 bytes or more"),
    "megabytes of lines": ("writer", lambda text: "\n" * LOGS_BYTES + text, "printed 1048576 bytes or more"),
    "nothing": ("reader", lambda _: "", "still ReaderReading"),
    "no time": ("reader", replaced(f"done {TIME}", f"done {ESC}"), "still ReaderReading"),
    "a time of no calendar": ("appender", replaced(f"done {TIME}", "done tomorrow"), "still WritersWriting"),
    "a time to come": ("appender", replaced(f"done {TIME}", "done 9999-12-31T23:59:59Z"), "was made at"),
    "more digits than a number has": ("reader", replaced("0:0 1767323045", f"0:0 {HOUR}"), "is missing"),
    "more lines than fit": ("reader", replaced("file 20 ", f"file {HOUR} "), "is missing"),
    "a year of no calendar": ("writer", replaced(" 1767323045 ", " 99999999999999 "), "is missing"),
    "escapes in a name": ("reader", replaced("0:0 1767323045 out", f"0:0 1767323045 {ESC}out"), "should not be there"),
    "a NUL in the text": ("appender", replaced("text Fri", f"text {NUL}Fri"), "differs from what was written"),
    "a line end in disguise": ("reader", replaced("text Fri", "text \u2028Fri"), "read ["),
    "a file twice": ("reader", lambda text: f"{text}\n{file_again(text)}", "is there more than once"),
    "a thousand files": ("reader", lambda text: f"{text}\n" + "\n".join([file_again(text)] * 1000), "more than once"),
    "another mount": ("reader", lambda text: f"{text}\nmount overlay /data overlay rw 0 0", "mounted as overlay"),
    "two counters": ("reader", lambda text: f"{text}\ncounter 15", "the counter that all writers raised"),
    "an endless counter": ("reader", replaced("counter 15", f"counter {HOUR}"), "the counter that all writers raised"),
    "JSON with a name twice": ("reader", lambda _: '{"file": 1, "file": 2, "done": true}', "still ReaderReading"),
}


def file_again(text: str) -> str:
    return next(line for line in text.split("\n") if line.startswith("file ") and line.endswith("out.txt"))


@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_an_image_prints_a_run_ends_with_what_is_wrong_with_it(name: str) -> None:
    role, text, expected = HOSTILE[name]
    assert expected in image_prints(role, text)


def test_another_image_for_one_of_the_pods_fails_the_run() -> None:
    with pytest.raises(TerminalError, match=r"ran the image sha256:cdcd\w+, and verification-\w+-writer"):
        run(FakeCluster(images={"reader": "cd" * 32}), REQUEST)


def test_an_image_that_prints_just_what_the_scripts_print_is_believed_and_evidence_says_which_it_was() -> None:
    """This is what a proof does not prove: nobody but the pods has seen the files. The digest tells whom to believe."""

    known: list[str] = []

    def overheard(text: str) -> str:
        known.append(text)
        return text

    run(FakeCluster(voices={"reader": overheard}), REQUEST)
    blind = FakeCluster(blind_roles={"reader"}, voices={"reader": lambda _: known[0]})
    found, _ = run(blind, REQUEST)
    assert {each["image_digest"] for each in [*found["writers"], found["reader"]]} == {"sha256:" + "ab" * 32}


def test_no_image_makes_more_of_the_evidence_than_a_payload_holds() -> None:
    """Each of the most writers prints as much as is read of it; the evidence travels in the machine's payload."""
    request = a_request(verification={"writers": 20})
    much = "\n".join(
        [
            *(f"file 1 {'0' * 64} 0:0 1767323045 {'x' * 400}{number}" for number in range(1000)),
            *(f"took small_{call} 1.000000 2.000000 {'x' * 80}" for call in ("read", "write") for _ in range(1000)),
            f"mount a /data nfs4 {'o' * 20_000} 0 0",
        ]
    )
    cluster = FakeCluster(voices=dict.fromkeys(("writer", "appender"), lambda text: f"{text}\n{much}"))
    progress: Any = None
    while (progress or {}).get("phase") != "read":
        progress = step(cluster, request, progress).facts["progress"]
        cluster.tick()
    assert len(json.dumps(progress)) < 100_000


@settings(max_examples=200)
@given(st.text() | st.sampled_from(["1e999999999", "1.2.3", "٣", "9" * 400, "1e-99999999", ".", "inf", "nan"]))
def test_no_number_that_an_image_prints_is_more_than_can_be_told(number: str) -> None:
    said = [f"small_read {number} {number} copied, {number} {unit}, fast" for unit in ("s", "seconds")]
    found = measured([*said, f"sequential_read 1.000000 {number} x"])
    assert found is None or len(found.model_dump_json()) < 1000


@settings(max_examples=200)
@given(st.text(), st.sampled_from(["file", "done", "text", "mount", "counter", "read", "listing", ""]))
def test_every_line_that_an_image_prints_is_read_as_what_it_is_and_shown_as_text(text: str, tag: str) -> None:
    printed = Printed(f"{tag} {text}\ndone {TIME}\n")
    assert printed.finished == TIME
    assert printed.tail.isprintable()
    seen = [*printed.tagged("text"), *printed.tagged("listing"), *(each.name for each in printed.files(9))]
    assert all(each.isprintable() for each in seen)
    assert set(printed.hashes()) == set()
    assert hashlib.sha256(b"").hexdigest() in Printed(f"read {hashlib.sha256(b'').hexdigest()} x").hashes().values()
