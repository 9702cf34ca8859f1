"""Whether a pod under the run's name and labels runs what the run's pods run, and nothing else that can speak for it.

Names and labels are for anybody to take who may make pods in the namespace. What others in a cluster do add to pods, a
sidecar, an image from a mirror, credentials below /var/run/secrets, is no reason to doubt one: that all pods of a run
had one image is in the evidence (see provisioner.kubernetes.proof).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from provisioner.kubernetes.client import Manifest

# What runs in the container besides its command, and prints where that prints.
_ALSO_RUN: Final = ("envFrom", "lifecycle", "livenessProbe", "readinessProbe", "startupProbe")
_SHELLS_OWN: Final = frozenset({"BASH_ENV", "ENV", "IFS", "PATH", "SHELLOPTS"})
_LOADERS: Final = "LD_"
_SECRETS: Final = "/var/run/secrets/"


def differences(pod: Manifest, wanted: Mapping[str, Any]) -> str:
    """`wanted`: the spec of the run's own pod. Empty for a pod that is, or might as well be, the run's."""
    return ", ".join(_differences(pod["spec"], wanted))


def _differences(spec: Mapping[str, Any], wanted: Mapping[str, Any]) -> Iterator[str]:
    (own,) = wanted["containers"]
    found = next((each for each in spec["containers"] if each["name"] == own["name"]), None)
    if found is None:
        yield f"it has no container {own['name']}"
        return
    yield from (f"its {name} is another" for name in ("command", "args") if found.get(name) != own[name])
    yield from (f"it has a {name}" for name in _ALSO_RUN if found.get(name))
    yield from _of_environment(found.get("env") or [], own["env"])
    yield from _of_mounts(found.get("volumeMounts") or [], own["volumeMounts"])
    if _claims(spec) != _claims(wanted):
        yield "its volume is another claim's"
    if spec.get("shareProcessNamespace"):
        yield "its containers share their processes"
    if spec.get("ephemeralContainers"):
        yield "somebody debugs it"


def _of_environment(found: list[Mapping[str, Any]], own: list[Mapping[str, Any]]) -> Iterator[str]:
    given = {each["name"]: each for each in found}
    for each in own:
        if given.get(each["name"], {}).get("value") != each.get("value"):
            yield f"its {each['name']} is another"
    for name in sorted(given.keys() - {each["name"] for each in own}):
        if name in _SHELLS_OWN or name.startswith(_LOADERS):
            yield f"it is given {name}"


def _of_mounts(found: list[Mapping[str, Any]], own: list[Mapping[str, Any]]) -> Iterator[str]:
    """What is mounted over a program is that program."""
    ours = [(each["name"], each["mountPath"]) for each in own]
    shown = [(each["name"], each["mountPath"]) for each in found if "subPath" not in each]
    if missing := [path for name, path in ours if (name, path) not in shown]:
        yield f"{', '.join(missing)} is not mounted as it is to be"
    for each in found:
        path = each["mountPath"]
        if (each["name"], path) not in ours and not path.startswith(_SECRETS):
            yield f"{path} is mounted too"


def _claims(spec: Mapping[str, Any]) -> list[str]:
    volumes = spec.get("volumes") or []
    return [each["persistentVolumeClaim"]["claimName"] for each in volumes if each.get("persistentVolumeClaim")]
