"""The scripts as they ship, run by /bin/sh: only /data is another directory, and /proc/mounts a table."""

import re
import subprocess
import time
from pathlib import Path

import pytest

from provisioner.kubernetes.evidence import AppenderEvidence, PodEvidence, ReaderEvidence
from provisioner.kubernetes.pods import Printed
from provisioner.kubernetes.proof import content_of, differences, nonce_of
from provisioner.kubernetes.verification_objects import Role, appender, reader, writers
from tests.unit.kubernetes.samples import a_request

RUN, LINES = "abc123", 7
MOUNTS = "overlay / overlay rw 0 0\n127.0.0.1:/ /data nfs4 rw,vers=4.1 0 0\n"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "mounts").write_text(MOUNTS)
    return tmp_path / "data"


def start(role: Role, pod: str, data: Path) -> "subprocess.Popen[str]":
    request = a_request(verification={"lines_per_writer": LINES})
    manifest = {"writer": writers, "appender": appender, "reader": reader}[role](request, RUN)
    spec = manifest["spec"]["template"]["spec"] if role == "writer" else manifest["spec"]
    (container,) = spec["containers"]
    environment = {each["name"]: each.get("value", pod) for each in container["env"]}
    script = re.sub(r"(?<![\w./-])/data(?![\w-])", str(data), container["args"][0])
    script = script.replace("/proc/mounts", str(data.parent / "mounts"))
    return subprocess.Popen(
        [*container["command"], script],
        env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finished(role: Role, pod: str, data: Path) -> Printed:
    process = start(role, pod, data)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    return Printed(out)


def written_by(pod: str, data: Path) -> Printed:
    """A writer prints, stays until it is told to go, and then goes at once."""
    process = start("writer", pod, data)
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or not lines[-1].startswith("done "):
        lines.append(process.stdout.readline())
        assert lines[-1], "the writer ended before it was done"
    assert process.poll() is None
    told = time.monotonic()
    process.terminate()
    assert process.wait(timeout=10) == 0
    assert time.monotonic() - told < 5
    return Printed("".join(lines))


def evidence_of(pod: str, printed: Printed) -> dict[str, object]:
    assert printed.finished is not None
    return {
        "pod": pod,
        "node": f"node-of-{pod}",
        "node_uid": None,
        "zone": None,
        "created": "",
        "scheduled": None,
        "running": "",
        "finished": printed.finished,
        "image_digest": "",
        "mount": printed.mount(),
        "files": printed.files(),
    }


def test_what_the_scripts_print_is_proof_and_the_run_leaves_nothing_on_the_file_system(data: Path) -> None:
    writing = [PodEvidence.model_validate(evidence_of(pod, written_by(pod, data))) for pod in ("writer-a", "writer-b")]
    own = data / ".verification" / RUN / "writer-a.txt"
    assert own.read_bytes() == content_of(nonce_of(RUN), "writer-a", LINES)
    appended = finished("appender", "appender", data)
    appending = AppenderEvidence.model_validate({**evidence_of("appender", appended), "text": appended.tagged("text")})
    read = finished("reader", "reader", data)
    reading = ReaderEvidence.model_validate(
        {**evidence_of("reader", read), "text": read.tagged("text"), "listing": read.tagged("listing")}
    )

    assert differences(nonce_of(RUN), LINES, writing, appending, reading) == []
    assert len(set(appending.text)) == 3
    assert list(data.iterdir()) == []


def test_the_reader_leaves_other_runs_files_alone(data: Path) -> None:
    other = data / ".verification" / "another" / "kept.txt"
    other.parent.mkdir(parents=True)
    other.write_text("kept\n")
    written_by("writer-a", data)
    finished("appender", "appender", data)
    finished("reader", "reader", data)
    assert other.read_text() == "kept\n"
    assert not (data / ".verification" / RUN).exists()


def test_a_writer_that_may_not_write_says_why_and_is_never_done(data: Path) -> None:
    (data / ".verification").write_text("a file where the directory should be")
    process = start("writer", "writer-a", data)
    out, err = process.communicate(timeout=30)
    assert process.returncode != 0
    assert Printed(out).finished is None
    assert "mkdir" in Printed(out + err).tail
