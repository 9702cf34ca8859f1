"""The evidence of a verification: what each pod was, saw and read, as JSON that proves its own integrity.

`python -m provisioner.kubernetes.evidence` prints the JSON Schema.
"""

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Microseconds = Annotated[int, Field(ge=0)]
UtcSeconds = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FileEvidence(_Part):
    name: str
    lines: int
    sha256: Sha256
    owner: str = Field(description="uid:gid")
    modified: UtcSeconds


class MountEvidence(_Part):
    """The line of /proc/mounts; a TLS mount's source is 127.0.0.1, the near end of its tunnel."""

    source: str
    target: str
    type: str
    options: str


class Measured(_Part):
    """How long the pod's calls to the file system took: one number for each call, none for what was not measured.

    Of small files, each of 4,096 bytes: create, write, fsync and close; and open, read and close what another pod had
    written. In sequence, 4 MiB of one file, in calls of 1 MiB, with the same ends.
    """

    clock: Literal["dd", "dd-once-open", "shell"] = Field(
        description="who told the time, to a microsecond. dd: busybox's, all of the call; dd-once-open: that of GNU "
        "coreutils, without open and close; shell: the shell that started dd, with what that start took"
    )
    small_write: list[Microseconds] = []
    small_read: list[Microseconds] = []
    sequential_write: list[Microseconds] = []
    sequential_read: list[Microseconds] = []


class PodEvidence(_Part):
    """One pod; times are Kubernetes' own, but for `finished`, which is the container's clock when its work was done."""

    pod: str
    node: str
    node_uid: str | None = Field(description="null: the node had gone with its finished pod before it was looked at")
    zone: str | None = Field(description="availability zone of the node, null where the node has no such label")
    created: str
    scheduled: str | None
    running: str
    finished: UtcSeconds
    image_digest: str
    mount: MountEvidence | None = Field(description="null: nothing was mounted on /data, which fails the verification")
    files: list[FileEvidence] = Field(description="what the pod wrote, or read")
    measured: Measured | None = Field(
        None,
        description="null: nothing was measured: not by this pod, not with what its image has, or not yet at that time",
    )


class AppenderEvidence(PodEvidence):
    text: list[str] = Field(description="the lines that the pod appended to out.txt")


class ReaderEvidence(PodEvidence):
    listing: list[str] = Field(description="ls -l of the run's directory")
    text: list[str] = Field(description="the lines of out.txt")


class CounterEvidence(_Part):
    """One number that all writers raised at the same time, each time under an exclusive flock."""

    expected: int
    found: int | None = Field(description="null: what the file held was no number")


class Attempt(_Part):
    """Whether a volume's pod could read what the pods of a volume had just written: another's, or its own."""

    volume: str = Field(description="the PersistentVolume whose pods had written it")
    tried: list[str] = Field(
        description="where it would be below /data, were the file system's root, the other volume's directory, or any "
        "between them mounted there"
    )
    read_at: str | None = Field(description="null: at none of these places")
    sha256: Sha256 | None = Field(description="of what it read there")


class NeighbourEvidence(PodEvidence):
    attempts: list[Attempt] = Field(description="one for each volume; of its own, to show that looking finds")


class VolumeEvidence(_Part):
    """The proof of one volume. What there could be several volumes for has a value too where it is not told."""

    persistent_volume: str = ""
    namespace: str = ""
    claim: str = ""
    file_system_id: str
    access_point_id: str | None
    directory: str = Field("/", description="of the file system, that the volume was to show its pods")
    counter: CounterEvidence
    writers: list[PodEvidence] = Field(min_length=1)
    appender: AppenderEvidence
    reader: ReaderEvidence
    neighbour: NeighbourEvidence | None = Field(
        None, description="the pod that looked for what other volumes hold; null where there is one volume only"
    )


class Evidence(VolumeEvidence):
    """Of the first volume what every volume has, and the run that proved them all."""

    schema_version: Literal["1"] = "1"
    run_id: str
    nonce: str
    image: str
    lines_per_writer: int
    verified_at: UtcSeconds
    further_volumes: list[VolumeEvidence] = []

    @property
    def volumes(self) -> list[VolumeEvidence]:
        """All of them, in the request's order."""
        return [self, *self.further_volumes]


class SealedEvidence(Evidence):
    sha256: Sha256 = Field(
        description="of this object without this field, as JSON with sorted keys, no spaces, ASCII only"
    )


def sealed(evidence: Evidence) -> dict[str, Any]:
    """The evidence as JSON values with its own sha256."""
    content = evidence.model_dump(mode="json")
    return {**content, "sha256": digest(content)}


def digest(content: dict[str, Any]) -> str:
    """sha256 of the canonical JSON of an evidence, with or without its own sha256."""
    unsealed = {key: value for key, value in content.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(unsealed, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def json_schema() -> dict[str, Any]:
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **SealedEvidence.model_json_schema()}


if __name__ == "__main__":
    print(json.dumps(json_schema(), indent=2))
