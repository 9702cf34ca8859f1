"""What several volumes must not have in common, and which of their directories lie in one another.

Reads raw values, so that these problems are listed beside those of single fields.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import permutations
from posixpath import normpath
from typing import Any, Final

from provisioner.given import shown
from provisioner.refusal import Problem
from provisioner.request import OF_THE_ONE_VOLUME, Request, StorageRequest, VerificationRequest

# What a run knows of its proofs has to fit a state's 256 KiB: about 1 KiB for each writer.
_MOST_WRITERS: Final = 100
_ROOT: Final = "/"


def without_other_form(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`below` without what speaks of one volume where `above` lists volumes, and without a list where it has one."""
    if above.get("volumes"):
        return {name: value for name, value in below.items() if name not in OF_THE_ONE_VOLUME}
    if "volumes" not in above and above.keys() & set(OF_THE_ONE_VOLUME):
        return {name: value for name, value in below.items() if name != "volumes"}
    return dict(below)


def problems(values: Mapping[str, Any]) -> Iterator[Problem]:
    """Names that two volumes share, directories that two users would own, and what is said of one volume besides.

    Source: Kubernetes, "Object Names and IDs"; EFS user guide, "Working with access points": the directory that is
    there already keeps its owner.
    """
    storage = values.get("storage")
    listed = storage.get("volumes") if isinstance(storage, Mapping) else None
    if not isinstance(storage, Mapping) or not isinstance(listed, list) or not listed:
        return
    yield from _of_one_volume(storage)
    volumes = [each if isinstance(each, Mapping) else {} for each in listed]
    yield from _taken(volumes, "name", _name, "a name that no other volume has")
    yield from _taken(volumes, "claim", _claim, "a claim that no other volume has in that namespace")
    yield from _owned_twice(volumes)
    yield from _too_much_to_prove(values, len(volumes))


def shows(directory: str, other: str) -> bool:
    """Whether a mount of the one shows the other: it is the same, or lies in it."""
    return directory in (_ROOT, other) or other.startswith(f"{directory}/")


def root_of(request: Request) -> str:
    """What pods of the volume see as their root, as a path of the file system."""
    point = request.storage.access_point
    return normal(point.path) if point else _ROOT


def warnings(request: Request) -> list[str]:
    """Which volumes a look at the request already shows not to be apart; the proof looks at what pods can read."""
    return [
        f"volume {one.storage.persistent_volume} is not apart from volume {other.storage.persistent_volume}: its pods "
        "see that one's directory"
        for one, other in permutations(request.of_each_volume, 2)
        if shows(root_of(one), root_of(other))
    ]


def _of_one_volume(storage: Mapping[str, Any]) -> Iterator[Problem]:
    """Its default says nothing: a request that was recorded has every field."""
    for name in OF_THE_ONE_VOLUME:
        if name in storage and storage[name] != StorageRequest.model_fields[name].default:
            allowed = "nothing beside storage.volumes, each of which says it of itself"
            yield Problem(("storage", name), shown(storage[name]), allowed)


def _taken(
    volumes: list[Mapping[str, Any]], field: str, key: Callable[[Mapping[str, Any]], Any], allowed: str
) -> Iterator[Problem]:
    first: dict[Any, int] = {}
    for index, volume in enumerate(volumes):
        if (found := key(volume)) is None:
            continue
        if first.setdefault(found, index) != index:
            already = f"{allowed}: storage.volumes[{first[found]}] has it"
            yield Problem(("storage", "volumes", index, field), shown(volume[field]), already)


def _name(volume: Mapping[str, Any]) -> str | None:
    name = volume.get("name")
    return name if isinstance(name, str) else None


def _claim(volume: Mapping[str, Any]) -> tuple[str, str] | None:
    claim, namespace = volume.get("claim"), volume.get("namespace", "default")
    return (namespace, claim) if isinstance(claim, str) and isinstance(namespace, str) else None


def _owned_twice(volumes: list[Mapping[str, Any]]) -> Iterator[Problem]:
    first: dict[str, tuple[int, Mapping[str, Any]]] = {}
    for index, volume in enumerate(volumes):
        point = volume.get("access_point")
        if not isinstance(point, Mapping) or not isinstance(point.get("path"), str):
            continue
        earlier, other = first.setdefault(normal(point["path"]), (index, point))
        for field, default in (("uid", None), ("gid", None), ("permissions", "0755")):
            has, had = point.get(field, default), other.get(field, default)
            if has != had:
                allowed = f"{shown(had)}, as storage.volumes[{earlier}] has it for the same path, or another path"
                yield Problem(("storage", "volumes", index, "access_point", field), shown(has), allowed)


def _too_much_to_prove(values: Mapping[str, Any], volumes: int) -> Iterator[Problem]:
    verification = values.get("verification")
    given = verification.get("writers") if isinstance(verification, Mapping) else None
    writers = VerificationRequest().writers if given is None else given
    if isinstance(writers, int | float) and writers * volumes > _MOST_WRITERS:
        allowed = f"{_MOST_WRITERS // volumes} with {volumes} volumes: {_MOST_WRITERS} writers in all"
        yield Problem(("verification", "writers"), shown(writers), allowed)


def normal(path: str) -> str:
    """As one absolute path without dots, doubled slashes or one at its end."""
    return f"/{normpath(path).lstrip('/')}"
