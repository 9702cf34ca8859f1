"""Whatever differs from what the writers must have written is found."""

import hashlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.kubernetes.evidence import (
    AppenderEvidence,
    CounterEvidence,
    FileEvidence,
    MountEvidence,
    PodEvidence,
    ReaderEvidence,
)
from provisioner.kubernetes.proof import INCREMENTS_PER_WRITER, content_of, counter_of, differences, file_of

NONCE, LINES = "0123456789abcdef", 5
TEXT = ["Fri Jan  2 03:04:05 UTC 2026", "Fri Jan  2 03:04:06 UTC 2026", "Fri Jan  2 03:04:07 UTC 2026"]
NAMES = ["writer-a", "writer-b", "writer-c"]
COUNTED = len(NAMES) * INCREMENTS_PER_WRITER
tried = settings(max_examples=50)
TIME = "2026-01-02T03:04:05Z"


def file_evidence(name: str, content: bytes) -> FileEvidence:
    digest = hashlib.sha256(content).hexdigest()
    return FileEvidence(name=name, lines=content.count(b"\n"), sha256=digest, owner="0:0", modified=TIME)


def pod(name: str, files: dict[str, bytes], **changes: Any) -> dict[str, Any]:
    return {
        "pod": name,
        "node": f"node-of-{name}",
        "node_uid": f"uid-of-{name}",
        "zone": "eu-west-1a",
        "created": TIME,
        "scheduled": TIME,
        "running": TIME,
        "finished": TIME,
        "image_digest": "",
        "mount": MountEvidence(source="127.0.0.1:/", target="/data", type="nfs4", options="rw"),
        "files": [file_evidence(*each) for each in files.items()],
        **changes,
    }


def written() -> dict[str, bytes]:
    return {file_of(name): content_of(NONCE, name, LINES) for name in NAMES}


def found_in(
    read: dict[str, bytes],
    *,
    text: list[str] = TEXT,
    listing: list[str] | None = None,
    counted: int = COUNTED,
    **reader: Any,
) -> str:
    out = {"out.txt": "".join(f"{line}\n" for line in TEXT).encode()}
    writers = [PodEvidence(**pod(name, {file_of(name): written()[file_of(name)]})) for name in NAMES]
    appender = AppenderEvidence(**pod("appender", out), text=TEXT)
    files = {**out, "counter": b"%d\n" % counted, **read}
    listed = listing if listing is not None else ["total 4", *(f"-rw-r--r-- 1 root root 9 {name}" for name in files)]
    seen = ReaderEvidence(**pod("reader", files, **reader), text=text, listing=listed)
    counter = CounterEvidence(expected=COUNTED, found=counted)
    return "; ".join(differences(NONCE, LINES, writers, appender, seen, counter))


def test_what_was_written_and_read_back_is_proof() -> None:
    assert found_in(written()) == ""


def test_a_reader_that_was_made_before_all_had_written_proves_nothing() -> None:
    told = found_in(written(), created="2026-01-02T03:04:04Z")
    assert told.count("reader was made at 2026-01-02T03:04:04Z, before") == len([*NAMES, "appender"])


@tried
@given(st.sampled_from(NAMES), st.data())
def test_any_altered_byte_is_found(name: str, data: st.DataObject) -> None:
    files = written()
    content = bytearray(files[file_of(name)])
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    files[file_of(name)] = bytes(content)
    assert f"{file_of(name)} differs" in found_in(files)


@tried
@given(st.sampled_from(NAMES), st.integers(0, LINES - 1))
def test_any_missing_line_is_found(name: str, missing: int) -> None:
    files = written()
    lines = files[file_of(name)].splitlines(keepends=True)
    files[file_of(name)] = b"".join(lines[:missing] + lines[missing + 1 :])
    assert f"{file_of(name)} has {LINES - 1} lines, not {LINES}" in found_in(files)


@tried
@given(st.permutations(range(LINES)).filter(lambda order: list(order) != list(range(LINES))))
def test_any_other_order_of_lines_is_found(order: list[int]) -> None:
    files = written()
    lines = files[file_of("writer-a")].splitlines(keepends=True)
    files[file_of("writer-a")] = b"".join(lines[number] for number in order)
    assert "writer-a.txt differs" in found_in(files)


@tried
@given(st.sampled_from(NAMES))
def test_any_missing_file_is_found(name: str) -> None:
    files = written()
    del files[file_of(name)]
    assert f"{file_of(name)} is missing" in found_in(files)


@tried
@given(st.from_regex(r"[a-z][a-z0-9-]{0,20}\.txt", fullmatch=True).filter(lambda name: name not in written()))
def test_any_extra_file_is_found(name: str) -> None:
    extra = {name: content_of(NONCE, name.removesuffix(".txt"), LINES)}
    if name not in ("out.txt", "counter"):
        assert f"{name} should not be there" in found_in({**written(), **extra})


def test_another_runs_lines_are_found() -> None:
    files = {file_of(name): content_of("another nonce", name, LINES) for name in NAMES}
    assert found_in(files).count("differs from what was written") == 3


def test_two_writers_files_exchanged_are_found() -> None:
    files = written()
    files["writer-a.txt"], files["writer-b.txt"] = files["writer-b.txt"], files["writer-a.txt"]
    assert found_in(files).count("differs") == 2


@tried
@given(st.lists(st.text(max_size=20), max_size=4).filter(lambda text: text != TEXT))
def test_any_other_appended_text_is_found(text: list[str]) -> None:
    assert "was appended" in found_in(written(), text=text)


@tried
@given(st.integers(0, 1000).filter(lambda counted: counted != COUNTED))
def test_any_lost_or_repeated_increment_is_found(counted: int) -> None:
    assert f"raised under flock is {counted}, not {COUNTED}" in found_in(written(), counted=counted)


@pytest.mark.parametrize("printed", [[], ["many"], [""], ["15", "15"], ["²"], ["-15"]])
def test_a_counter_that_is_no_number_is_found_to_be_none(printed: list[str]) -> None:
    assert counter_of(3, printed) == CounterEvidence(expected=COUNTED, found=None)


def test_the_counter_is_every_writers_increments() -> None:
    assert counter_of(3, ["15"]) == CounterEvidence(expected=15, found=15)


def test_a_listing_that_does_not_show_every_file_is_found() -> None:
    assert "listed" in found_in(written(), listing=["total 0", "-rw-r--r-- 1 root root 9 out.txt"])


@pytest.mark.parametrize(
    ("mount", "said"),
    [
        (None, "nothing mounted on /data"),
        (MountEvidence(source="overlay", target="/data", type="overlay", options="rw"), "overlay, not nfs4"),
    ],
)
def test_a_pod_without_the_shared_mount_is_found(mount: MountEvidence | None, said: str) -> None:
    assert said in found_in(written(), mount=mount)


def test_a_pod_of_another_image_than_the_others_is_found() -> None:
    said = found_in(written(), image_digest="sha256:other")
    assert said.startswith("reader ran the image sha256:other, and writer-a ")
    assert "name the image by its digest" in said


def test_a_reader_beside_a_writer_is_found() -> None:
    assert "where writer-b had written" in found_in(written(), node="node-of-writer-b", node_uid="uid-of-writer-b")


def test_a_reader_whose_node_has_gone_is_told_apart_by_the_nodes_name() -> None:
    assert "where writer-b had written" in found_in(written(), node="node-of-writer-b", node_uid=None)


def test_a_reader_on_a_new_node_with_the_address_of_a_writers_is_no_difference() -> None:
    assert found_in(written(), node="node-of-writer-b") == ""


def test_every_difference_is_named_not_only_the_first() -> None:
    files = written()
    del files["writer-a.txt"]
    files["writer-b.txt"] = b""
    found = found_in(files, node="node-of-writer-c", node_uid="uid-of-writer-c")
    assert all(
        said in found for said in ("writer-a.txt is missing", "writer-b.txt has 0 lines", "writer-c had written")
    )
