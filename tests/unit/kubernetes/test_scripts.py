"""The scripts as they ship, run by /bin/sh and by busybox: only /data is another directory, /proc/mounts a table."""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from provisioner.kubernetes.evidence import AppenderEvidence, PodEvidence, ReaderEvidence
from provisioner.kubernetes.measured import measured
from provisioner.kubernetes.pods import Printed
from provisioner.kubernetes.proof import INCREMENTS_PER_WRITER, content_of, counter_of, differences, nonce_of
from provisioner.kubernetes.verification_objects import Role, appender, neighbour, reader, writers
from tests.unit.kubernetes.samples import a_request

RUN, LINES = "abc123", 7
PATIENCE_SECONDS = 300.0
"""Much less than what a writer sleeps that is told nothing."""
MEASURING, FOR_LONG = "+ 10))", "+ 600))"
"""How long a script goes on measuring: the disk of a machine that has much other work may take seconds for a file."""
MOUNTS = "overlay / overlay rw 0 0\n127.0.0.1:/ /data nfs4 rw,vers=4.1 0 0\n"


SHELLS = ["sh", *(["busybox"] if shutil.which("busybox") else [])]


@pytest.fixture(params=SHELLS)
def data(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The shared directory; beside it, the programs that a container of that image would find first."""
    if request.param == "busybox":
        (tmp_path / "bin").mkdir()
        for applet in subprocess.run(["busybox", "--list"], check=True, capture_output=True, text=True).stdout.split():
            (tmp_path / "bin" / applet).symlink_to(str(shutil.which("busybox")))
    (tmp_path / "data").mkdir()
    (tmp_path / "mounts").write_text(MOUNTS)
    return tmp_path / "data"


def start(role: Role, pod: str, data: Path, writer_count: int = 1, run_id: str = RUN) -> "subprocess.Popen[str]":
    request = a_request(verification={"lines_per_writer": LINES, "writers": writer_count})
    manifest = {
        "writer": writers(request, run_id, measures=True),
        "appender": appender(request, run_id),
        "reader": reader(request, run_id, measures=True),
    }[role]
    spec = manifest["spec"]["template"]["spec"] if role == "writer" else manifest["spec"]
    return start_pod(spec, pod, data)


def start_pod(spec: dict[str, Any], pod: str, data: Path) -> "subprocess.Popen[str]":
    (container,) = spec["containers"]
    environment = {each["name"]: each.get("value", pod) for each in container["env"]}
    script = re.sub(r"(?<![\w./-])/data(?![\w-])", str(data), container["args"][0])
    script = script.replace("/proc/mounts", str(data.parent / "mounts")).replace(MEASURING, FOR_LONG)
    path = f"{data.parent}/bin:/usr/bin:/bin:/usr/sbin:/sbin"
    shell = shutil.which(Path(container["command"][0]).name, path=path)
    return subprocess.Popen(
        [str(shell), *container["command"][1:], script],
        env={"PATH": path, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finished(role: Role, pod: str, data: Path) -> Printed:
    process = start(role, pod, data)
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, err) == (0, "")
    return Printed(out)


def written_by(*pods: str, data: Path) -> list[Printed]:
    return [until_done(process) for process in [start("writer", pod, data, len(pods)) for pod in pods]]


def until_done(process: "subprocess.Popen[str]") -> Printed:
    """A writer prints, stays until it is told to go, and then goes at once."""
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or not lines[-1].startswith("done "):
        lines.append(process.stdout.readline())
        assert lines[-1], "the writer ended before it was done"
    assert process.poll() is None
    process.terminate()
    assert process.wait(timeout=PATIENCE_SECONDS) == 0
    # In a container the kernel ends what the shell slept with; here nobody else does.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    return Printed("".join(lines))


def until_there(file: Path) -> None:
    """And it is not empty."""
    until = time.monotonic() + PATIENCE_SECONDS
    while not file.exists() or not file.stat().st_size:
        assert time.monotonic() < until, f"{file.name} does not come"
        time.sleep(0.05)


def evidence_of(pod: str, printed: Printed) -> dict[str, object]:
    assert printed.finished is not None
    return {
        "pod": pod,
        "node": f"node-of-{pod}",
        "node_uid": None,
        "zone": None,
        "created": printed.finished,
        "scheduled": None,
        "running": "",
        "finished": printed.finished,
        "image_digest": "",
        "mount": printed.mount(),
        "files": printed.files(20),
        "measured": measured(printed.tagged("took")),
    }


def test_what_the_scripts_print_is_proof_and_the_run_leaves_nothing_on_the_file_system(data: Path) -> None:
    pods = ("writer-a", "writer-b", "writer-c", "writer-d")
    printed = written_by(*pods, data=data)
    writing = [PodEvidence.model_validate(evidence_of(*each)) for each in zip(pods, printed, strict=True)]
    own = data / ".verification" / RUN / "writer-a.txt"
    assert own.read_bytes() == content_of(nonce_of(RUN), "writer-a", LINES)
    appended = finished("appender", "appender", data)
    appending = AppenderEvidence.model_validate({**evidence_of("appender", appended), "text": appended.tagged("text")})
    read = finished("reader", "reader", data)
    reading = ReaderEvidence.model_validate(
        {**evidence_of("reader", read), "text": read.tagged("text"), "listing": read.tagged("listing")}
    )

    counter = counter_of(len(pods), read.tagged("counter"))
    assert counter.found == len(pods) * INCREMENTS_PER_WRITER
    assert differences(nonce_of(RUN), LINES, writing, appending, reading, counter) == []
    assert len(set(appending.text)) == 3
    assert list(data.iterdir()) == []

    # Whoever keeps time in this image: each call is one number, of writers and of the reader.
    for each in writing:
        assert each.measured is not None
        assert len(each.measured.small_write) == len(each.measured.small_read) == 9
        assert len(each.measured.sequential_write) == len(each.measured.sequential_read) == 1
    assert reading.measured is not None
    assert (len(reading.measured.small_read), len(reading.measured.sequential_read)) == (9, 1)
    assert (reading.measured.small_write, appending.measured) == ([], None)


@pytest.mark.parametrize(
    ("known", "otherwise"), [(" dd if=", " no-such-program if="), (MEASURING, "+ 0))")], ids=["without-dd", "too-late"]
)
def test_what_cannot_be_measured_is_not_told_and_the_proof_goes_on(known: str, otherwise: str, data: Path) -> None:
    spec = writers(a_request(verification={"writers": 1}), RUN, measures=True)["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    (script,) = container["args"]
    assert known in script
    container["args"] = [script.replace(known, otherwise)]
    printed = until_done(start_pod(spec, "writer-a", data))
    assert printed.tagged("took") == []
    assert [each.name for each in printed.files(20)] == ["writer-a.txt"]


def test_a_pod_alone_reads_nothing_that_its_own_node_still_has(data: Path) -> None:
    (printed,) = written_by("writer-a", data=data)
    told = measured(printed.tagged("took"))
    assert told is not None
    assert (len(told.small_write), told.small_read, told.sequential_read) == (9, [], [])


def test_the_reader_removes_what_dead_runs_left_and_nothing_of_anybody_else(data: Path) -> None:
    dead, other = data / ".verification" / "another" / "left.txt", data / "kept.txt"
    dead.parent.mkdir(parents=True)
    dead.write_text("left\n")
    other.write_text("kept\n")
    written_by("writer-a", data=data)
    finished("appender", "appender", data)
    finished("reader", "reader", data)
    assert other.read_text() == "kept\n"
    assert not (data / ".verification").exists()


def test_a_reader_leaves_what_other_volumes_of_its_run_have_in_the_same_directory(data: Path) -> None:
    for run_id in (f"{RUN}-2", f"{RUN}-10", "dead-2", f"{RUN}x-2"):
        (data / ".verification" / run_id).mkdir(parents=True)
    until_done(start("writer", "writer-a", data, run_id=f"{RUN}-1"))
    start("appender", "appender", data, run_id=f"{RUN}-1").communicate(timeout=PATIENCE_SECONDS)
    start("reader", "reader", data, run_id=f"{RUN}-1").communicate(timeout=PATIENCE_SECONDS)
    assert {each.name for each in (data / ".verification").iterdir()} == {f"{RUN}-2", f"{RUN}-10"}


def test_a_name_that_no_pod_of_the_run_gives_ends_the_reader_before_it_can_say_anything(data: Path) -> None:
    """Whoever may write into the volume chooses names of files, and a name may have more than one line."""
    written_by("writer-a", data=data)
    finished("appender", "appender", data)
    forged = f"x\nfile 7 {'0' * 64} 0:0 1767323045 writer-b.txt\ndone 2026-01-02T03:04:05Z\nlisting - writer-b.txt"
    (data / ".verification" / RUN / forged).write_text("")
    process = start("reader", "reader", data)
    out, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 1
    printed = Printed(out)
    assert printed.finished is None
    assert "writer-b.txt" not in [each.name for each in printed.files(20)]
    assert "no pod of this run made x?file?7" in printed.tail


@pytest.mark.parametrize("role", ["writer", "appender", "reader"])
@pytest.mark.parametrize("planted", [".verification", f".verification/{RUN}"])
def test_a_link_on_the_way_to_the_runs_files_leads_no_pod_to_somebody_elses(
    planted: str, role: Role, data: Path
) -> None:
    theirs = data / "team" / RUN / "theirs.txt"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("theirs\n")
    link = data / planted
    link.parent.mkdir(exist_ok=True)
    link.symlink_to(theirs.parent.parent if planted == ".verification" else theirs.parent)
    assert refused(role, data).startswith(f"{link} is a symbolic link, ")
    assert [each for each in theirs.parent.parent.rglob("*") if each.is_file()] == [theirs]
    assert theirs.read_text() == "theirs\n"


@pytest.mark.parametrize(
    ("role", "planted"),
    [("writer", "writer-a.txt"), ("writer", "counter"), ("writer", ".measured"), ("appender", "out.txt")],
)
def test_a_link_in_the_place_of_a_file_of_the_run_is_not_written_through(role: Role, planted: str, data: Path) -> None:
    """Nor is there anything at its end afterwards, where there was nothing before."""
    link = data / ".verification" / RUN / planted
    link.parent.mkdir(parents=True)
    link.symlink_to(data / "theirs")
    assert refused(role, data).startswith(f"{link} is a symbolic link, ")
    assert not (data / "theirs").exists()


def test_what_a_link_among_the_runs_files_leads_to_is_not_told(data: Path) -> None:
    written_by("writer-a", data=data)
    finished("appender", "appender", data)
    (data / "theirs").write_text("secret\n")
    own = data / ".verification" / RUN / "out.txt"
    own.unlink()
    own.symlink_to(data / "theirs")
    assert "secret" not in refused("reader", data)


def test_a_link_that_a_dead_run_left_goes_without_what_it_leads_to(data: Path) -> None:
    written_by("writer-a", data=data)
    finished("appender", "appender", data)
    (data / "team").mkdir()
    (data / "team" / "theirs.txt").write_text("theirs\n")
    (data / ".verification" / "left").symlink_to(data / "team")
    finished("reader", "reader", data)
    assert [each.name for each in data.iterdir()] == ["team"]
    assert (data / "team" / "theirs.txt").read_text() == "theirs\n"


def refused(role: Role, data: Path) -> str:
    """What such a pod says when it ends without having done anything."""
    out, _ = start(role, "writer-a", data).communicate(timeout=PATIENCE_SECONDS)
    printed = Printed(out)
    assert (printed.finished, printed.tagged("text")) == (None, [])
    return printed.tail


def test_a_neighbour_reads_at_whichever_place_the_file_is_and_says_where_it_could_not(data: Path) -> None:
    there = data / "team red" / ".verification" / RUN / "out.txt"
    there.parent.mkdir(parents=True)
    there.write_text("1 Fri\n")
    places = ["teams/team red/.verification/abc123/out.txt", "team red/.verification/abc123/out.txt"]
    process = start_pod(neighbour(a_request(), RUN, places)["spec"], "neighbour", data)
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, err) == (0, "")
    printed = Printed(out)
    sha256 = hashlib.sha256(there.read_bytes()).hexdigest()
    assert printed.tagged("read") == [f"{sha256} {places[1]}"]
    assert printed.tagged("unread") == [places[0]]
    assert printed.finished
    mount = printed.mount()
    assert mount is not None
    assert mount.type == "nfs4"


def test_a_writer_that_may_not_write_says_why_and_is_never_done(data: Path) -> None:
    (data / ".verification").write_text("a file where the directory should be")
    process = start("writer", "writer-a", data)
    out, err = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode != 0
    assert Printed(out).finished is None
    assert "mkdir" in Printed(out + err).tail


def test_a_writer_waits_for_the_lock_as_long_as_somebody_holds_it(data: Path) -> None:
    counter = data / ".verification" / RUN / "counter"
    counter.parent.mkdir(parents=True)
    with counter.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        process = start("writer", "writer-a", data)
        until_there(counter.parent / ".measured" / "writer-a" / "large")
        time.sleep(1)
        assert counter.read_text() == ""
    until_done(process)
    assert counter.read_text() == f"{INCREMENTS_PER_WRITER}\n"


def test_writers_raise_the_counter_together_once_all_have_come(data: Path) -> None:
    counter = data / ".verification" / RUN / "counter"
    first = start("writer", "writer-a", data, writer_count=2)
    until_there(counter)
    time.sleep(1)
    assert counter.read_text() == "1\n"
    second = start("writer", "writer-b", data, writer_count=2)
    until_done(first)
    until_done(second)
    assert counter.read_text() == f"{2 * INCREMENTS_PER_WRITER}\n"


def test_a_writer_without_flock_ends_instead_of_counting_unlocked(data: Path) -> None:
    missing = data.parent / "bin" / "flock"
    missing.parent.mkdir(exist_ok=True)
    missing.write_text("#!/bin/sh\nexit 127\n")
    missing.chmod(0o755)
    process = start("writer", "writer-a", data)
    out, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 127
    assert Printed(out).finished is None
    assert (data / ".verification" / RUN / "counter").read_text() == ""
