"""What a run's pods must have written and read; anything else is a difference, and one difference fails the run."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

from provisioner.kubernetes.evidence import (
    AppenderEvidence,
    CounterEvidence,
    FileEvidence,
    PodEvidence,
    ReaderEvidence,
)

MOUNT_PATH: Final = "/data"
# The container's own disk is an overlay: with this, it cannot pass for shared storage.
SHARED_TYPE: Final = "nfs4"
APPENDED_FILE: Final = "out.txt"
APPENDED_LINES: Final = 3
COUNTER_FILE: Final = "counter"
# Few, as each takes some round trips to the file system while all others wait; enough for every writer to meet others.
INCREMENTS_PER_WRITER: Final = 5


def run_id_of(execution_arn: str) -> str:
    """The same for every attempt of one execution, so that a call made twice finds what the first one made."""
    return hashlib.sha256(execution_arn.encode()).hexdigest()[:12]


def run_ids_of(run_id: str, volumes: int) -> list[str]:
    """Of each volume's part of the run: its pods, its directory and its nonce have nothing of another's."""
    return [run_id] if volumes == 1 else [f"{run_id}-{number}" for number in range(1, volumes + 1)]


def nonce_of(run_id: str) -> str:
    """In every line: a file left over from another run is never taken for this one's."""
    return hashlib.sha256(f"nonce {run_id}".encode()).hexdigest()[:32]


def file_of(pod: str) -> str:
    return f"{pod}.txt"


def content_of(nonce: str, pod: str, lines: int) -> bytes:
    """What a writer's file holds, byte for byte."""
    return "".join(f"{nonce} {pod} {number}\n" for number in range(1, lines + 1)).encode()


def counter_of(writers: int, printed: Sequence[str]) -> CounterEvidence:
    """What the counter must be when no increment was lost, and what the reader printed of it."""
    (found,) = printed if len(printed) == 1 else ("",)
    number = int(found) if found.isascii() and found.isdigit() and len(found) < 10 else None
    return CounterEvidence(expected=writers * INCREMENTS_PER_WRITER, found=number)


def differences(
    nonce: str,
    lines: int,
    writers: Sequence[PodEvidence],
    appender: AppenderEvidence,
    reader: ReaderEvidence,
    counter: CounterEvidence,
) -> list[str]:
    """Everything in which the run is not what it must be; empty when the storage is proven."""
    pods = [*writers, appender, reader]
    expected = {file_of(writer.pod): content_of(nonce, writer.pod, lines) for writer in writers}
    expected[APPENDED_FILE] = _joined(appender.text)
    expected[COUNTER_FILE] = f"{counter.expected}\n".encode()
    return [
        *_mount_differences(pods),
        *_image_differences(pods),
        *_node_differences([*writers, appender], reader),
        *_time_differences([*writers, appender], reader),
        *(
            difference
            for writer in writers
            for difference in _file_differences(
                f"writer {writer.pod}", writer.files, {file_of(writer.pod): expected[file_of(writer.pod)]}
            )
        ),
        *_file_differences(f"appender {appender.pod}", appender.files, {APPENDED_FILE: expected[APPENDED_FILE]}),
        *_file_differences(f"reader {reader.pod}", reader.files, expected),
        *_text_differences(appender, reader),
        *_counter_differences(counter),
        *_listing_differences(reader, expected.keys()),
    ]


def _mount_differences(pods: Iterable[PodEvidence]) -> Iterable[str]:
    for pod in pods:
        if pod.mount is None:
            yield f"{pod.pod} had nothing mounted on {MOUNT_PATH}"
        elif pod.mount.type != SHARED_TYPE:
            yield f"{pod.pod} had {MOUNT_PATH} mounted as {pod.mount.type}, not {SHARED_TYPE}"


def _image_differences(pods: Sequence[PodEvidence]) -> Iterable[str]:
    """One that ran something else was not made by this run, or the image changed under its tag meanwhile."""
    first, *others = pods
    for pod in others:
        if pod.image_digest != first.image_digest:
            yield (
                f"{pod.pod} ran the image {pod.image_digest}, and {first.pod} {first.image_digest}: name the image by "
                "its digest, so that it cannot change meanwhile"
            )


def _node_differences(writing: Iterable[PodEvidence], reader: ReaderEvidence) -> Iterable[str]:
    for pod in writing:
        if _same_node(pod, reader):
            yield f"{reader.pod} read on {reader.node}, where {pod.pod} had written"


def _time_differences(writing: Iterable[PodEvidence], reader: ReaderEvidence) -> Iterable[str]:
    """Who is made when all have said that they are done can have mounted and opened nothing before.

    Both times are UTC in whole seconds, in one format, so that the later one is the greater text.
    """
    for pod in writing:
        if reader.created < pod.finished:
            yield f"{reader.pod} was made at {reader.created}, before {pod.pod} had written, at {pod.finished}"


def _same_node(one: PodEvidence, other: PodEvidence) -> bool:
    """A Fargate node is named after its address, and the address of one that has gone is given out again."""
    if one.node_uid and other.node_uid:
        return one.node_uid == other.node_uid
    return one.node == other.node


def _file_differences(who: str, files: Sequence[FileEvidence], expected: dict[str, bytes]) -> Iterable[str]:
    names = [file.name for file in files]
    for name in sorted(expected.keys() - set(names)):
        yield f"{who}: {name} is missing"
    for name in sorted(set(names) - expected.keys()):
        yield f"{who}: {name} should not be there"
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{who}: {name} is there more than once"
    for file in files:
        content = expected.get(file.name)
        if content is None:
            continue
        if file.lines != (lines := content.count(b"\n")):
            yield f"{who}: {file.name} has {file.lines} lines, not {lines}"
        if file.sha256 != hashlib.sha256(content).hexdigest():
            yield f"{who}: {file.name} differs from what was written (sha256 {file.sha256})"


def _text_differences(appender: AppenderEvidence, reader: ReaderEvidence) -> Iterable[str]:
    if len(appender.text) != APPENDED_LINES:
        yield f"{appender.pod} appended {len(appender.text)} lines, not {APPENDED_LINES}"
    if reader.text != appender.text:
        yield f"{reader.pod} read {reader.text} from {APPENDED_FILE}, but {appender.text} was appended"


def _counter_differences(counter: CounterEvidence) -> Iterable[str]:
    if counter.found != counter.expected:
        yield f"the counter that all writers raised under flock is {counter.found}, not {counter.expected}"


def _listing_differences(reader: ReaderEvidence, expected: Iterable[str]) -> Iterable[str]:
    listed = sorted(line.split()[-1] for line in reader.listing if line and not line.startswith("total "))
    if listed != sorted(expected):
        yield f"{reader.pod} listed {listed}, not {sorted(expected)}"


def _joined(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
