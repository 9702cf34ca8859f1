"""Whether pods of one volume can read what another holds: the places where they would find it, and what they found.

A mount shows one directory of the file system. Whichever it is, the other volume's file lies below it at the rest of
that file's path, so every such rest is tried. There is no way up: above the root of a mount is the container's disk.
Source: EFS user guide, "Enforcing a root directory with an access point".
"""

from collections.abc import Iterator, Mapping, Sequence

from provisioner.kubernetes.evidence import Attempt, NeighbourEvidence, VolumeEvidence
from provisioner.kubernetes.proof import APPENDED_FILE
from provisioner.request import Request
from provisioner.volumes import root_of, shows


def places_of(request: Request, run_id: str) -> list[str]:
    """Paths below /data, that from the file system's root first."""
    directories = [each for each in root_of(request).split("/") if each]
    rests = [directories[above:] for above in range(len(directories) + 1)]
    return ["/".join([*rest, ".verification", run_id, APPENDED_FILE]) for rest in rests]


def attempts_of(wanted: Mapping[str, Sequence[str]], read: Mapping[str, str]) -> list[Attempt]:
    """`wanted`: name of the volume -> its places; `read`: place where the pod could read -> sha256 of what it read."""
    found = {name: next((each for each in places if each in read), None) for name, places in wanted.items()}
    return [
        Attempt(volume=name, tried=list(wanted[name]), read_at=place, sha256=read[place] if place else None)
        for name, place in found.items()
    ]


def differences(volumes: Sequence[VolumeEvidence]) -> Iterator[str]:
    """Every volume whose pods could read what they were not to, or could not even read their own volume's."""
    if len(volumes) == 1:
        return
    directories = {each.persistent_volume: each.directory for each in volumes}
    for found in volumes:
        name, neighbour = found.persistent_volume, found.neighbour
        attempts = {each.volume: each for each in neighbour.attempts} if neighbour else {}
        written = [each.sha256 for each in found.appender.files]
        if neighbour is None or attempts.keys() != directories.keys() or [attempts[name].sha256] != written:
            yield f"volume {name}: its pod did not find its own volume's file, so that it finds no other's says nothing"
            continue
        for other, attempt in attempts.items():
            if attempt.read_at and other != name and not shows(found.directory, directories[other]):
                yield _leak(name, neighbour, attempt)


def _leak(name: str, neighbour: NeighbourEvidence, attempt: Attempt) -> str:
    return (
        f"volume {name} is not apart from volume {attempt.volume}: Pod {neighbour.pod} mounts {name} and could read "
        f"what {attempt.volume} holds, at /data/{attempt.read_at}"
    )
