"""One byte of a writer's file, changed behind its back after it was written, and the run is not Ready."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.cloud import EmbeddedCloud
from local.faults.fault import before
from local.faults.scene import Scene
from tests.end_to_end.runs import Machine

LINES = 5


@contextmanager
def one_byte_changed(cloud: EmbeddedCloud, cluster: str) -> Iterator[list[Path]]:
    """Changes it when every writer has told its hash and the reader has not come yet."""
    changed: list[Path] = []

    def change(scene: Scene) -> bool:
        if (scene.payload["progress"] or {}).get("phase") != "stop_writers":
            return False
        for file in (cloud.directory / "efs" / scene.file_system_id).glob(".verification/*/*-writer-*.txt"):
            content = bytearray(file.read_bytes())
            if content.count(b"\n") == LINES:
                content[10] ^= 1
                file.write_bytes(content)
                changed.append(file)
                return True
        return False

    undo = before("Verify storage", change)(cloud, cluster)
    try:
        yield changed
    finally:
        undo()


def test_one_changed_byte_fails_the_verification(machine: Machine, cloud: EmbeddedCloud) -> None:
    request = {"cluster": {"name": "tampered"}, "verification": {"lines_per_writer": LINES}}
    with one_byte_changed(cloud, "tampered") as changed:
        run = machine.run(request)
    assert len(changed) == 1
    assert (run.status, run.error) == ("FAILED", "TerminalError")
    assert "VerificationFailed" in run.cause
    assert f"{changed[0].name} differs from what was written" in run.cause
