"""What was written is changed behind the writer's back, or somebody else says what was read: the run is not Ready."""

import json
import os
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


FORGED = "\x1b[2J<img src=x onerror=alert(1)>"


@contextmanager
def a_reader_of_somebody_elses(cloud: EmbeddedCloud, cluster: str) -> Iterator[list[str]]:
    """When all have written, somebody makes a pod with the name and labels of the reader, which says all is well."""
    made: list[str] = []

    def make(scene: Scene) -> bool:
        if (scene.payload["progress"] or {}).get("phase") != "stop_writers":
            return False
        pods = f"/api/v1/namespaces/{scene.storage['namespace']}/pods"
        found = (scene.get(pods) or {})["items"]
        appender = next(each for each in found if each["metadata"]["name"].endswith("-appender"))
        name, said = appender["metadata"]["name"].replace("-appender", "-reader"), json.dumps(scene.payload["progress"])
        labels = {**appender["metadata"]["labels"], "eks-efs-provisioner/role": "reader"}
        container = {
            **appender["spec"]["containers"][0],
            "args": [f"echo '{FORGED}'; echo '{said[:1000]}'; echo done 2026-01-02T03:04:05Z"],
        }
        kept = ("securityContext", "volumes", "restartPolicy", "automountServiceAccountToken")
        spec = {**{each: appender["spec"][each] for each in kept}, "containers": [container]}
        scene.create(pods, {"metadata": {"name": name, "labels": labels}, "spec": spec})
        made.append(name)
        return True

    undo = before("Verify storage", make)(cloud, cluster)
    try:
        yield made
    finally:
        undo()


def test_a_pod_that_stands_in_for_the_reader_is_not_believed(machine: Machine, cloud: EmbeddedCloud) -> None:
    request = {"cluster": {"name": "stood-in"}, "verification": {"writers": 1, "lines_per_writer": LINES}}
    with a_reader_of_somebody_elses(cloud, "stood-in") as made:
        run = machine.run(request)
    assert (run.status, run.error) == ("FAILED", "TerminalError")
    assert f"VerificationFailed: Pod {made[0]} is not what this run makes: its args is another" in run.cause
    assert "onerror" not in run.cause


@contextmanager
def a_link_planted(cloud: EmbeddedCloud, cluster: str, phase: str | None) -> Iterator[list[Path]]:
    """On the way to the run's files, in place of what is there by then; at its end is a folder with a team's file."""
    made: list[Path] = []

    def plant(scene: Scene) -> bool:
        if (scene.payload["progress"] or {}).get("phase") != phase:
            return False
        root = cloud.directory / "efs" / scene.file_system_id
        (root / "team").mkdir(parents=True, exist_ok=True)
        (root / "team" / "theirs.txt").write_text("theirs\n")
        link = root / ".verification"
        if phase:
            (link,) = link.iterdir()
            link.rename(root / "moved")
        link.symlink_to(os.path.relpath(root / "team", link.parent))
        made.extend((link, root / "team"))
        return True

    undo = before("Verify storage", plant)(cloud, cluster)
    try:
        yield made
    finally:
        undo()


def test_a_link_in_the_volume_leads_no_pod_to_a_teams_files_and_is_named(
    machine: Machine, cloud: EmbeddedCloud
) -> None:
    """Made before the first pod, and between those that wrote and the one that reads and removes."""
    request = {"cluster": {"name": "linked"}, "verification": {"writers": 1, "lines_per_writer": LINES}}
    for phase in (None, "stop_writers"):
        with a_link_planted(cloud, "linked", phase) as made:
            run = machine.run(request)
        link, team = made
        assert [each.name for each in team.iterdir()] == ["theirs.txt"], phase
        assert (run.status, run.error) == ("FAILED", "TerminalError")
        place = "/".join(["/data", *link.relative_to(team.parent).parts])
        assert f" failed: {place} is a symbolic link, and this proof follows none" in run.cause
        link.unlink()
    assert machine.run(request).status == "SUCCEEDED"
