"""A proven cluster that is changed behind the program's back, and what re-verification makes of it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from local.aws import iam
from local.aws.hooks import Call
from local.cloud import EmbeddedCloud
from local.faults.drift import CHANGES, Change, names_of
from local.faults.scene import Scene
from provisioner.difference import DriftKind
from provisioner.inspection.documentation import SECTIONS
from tests.end_to_end.runs import Machine, Run

Difference = dict[str, Any]
KINDS = {
    f"{module.__name__.rpartition('.')[2]}.{name}": kind
    for module in SECTIONS.values()
    for name, kind in vars(module).items()
    if isinstance(kind, DriftKind)
}
PLACEHOLDER = re.compile(r"\\{(\w+)\\}")


@dataclass(frozen=True)
class Proven:
    """A cluster as a run has left it."""

    scene: Scene
    reverify: Machine

    @property
    def record(self) -> dict[str, Any]:
        """As DynamoDB has it now."""
        scene, table = self.scene, self.reverify.outputs["ClaimsTableName"]
        key = {"cluster": {"S": f"{scene.cloud.account_id}#{scene.region}#{scene.cluster_name}"}}
        return dict(scene.cloud.client("dynamodb").get_item(TableName=table, Key=key)["Item"])

    @classmethod
    def of(cls, machine: Machine, reverify: Machine, request: dict[str, Any]) -> "Proven":
        run = machine.run(request)
        assert run.status == "SUCCEEDED", run.cause
        scene = Scene.recorded(machine.cloud, machine.outputs["ClaimsTableName"], request["cluster"]["name"])
        return cls(scene, reverify)

    @property
    def names(self) -> dict[str, str]:
        """Of what belongs to it now: a run may have made some of it anew."""
        return names_of(self.scene)

    @contextmanager
    def changed(self, change: Change) -> Iterator[dict[str, str]]:
        """The names from before the change, which is undone in the end."""
        names, undo = self.names, change.make(self.scene)
        try:
            yield names
        finally:
            undo()

    def start(self, *, remediate: bool = False, depth: str = "configuration") -> str:
        asked = {"cluster_name": self.scene.cluster_name, "remediate": remediate, "depth": depth}
        return self.reverify.start(asked)

    def look(self, *, remediate: bool = False) -> Run:
        """Ends well, whatever was found."""
        return self.ended(self.start(remediate=remediate))

    def ended(self, execution_arn: str) -> Run:
        run = self.reverify.wait(execution_arn)
        assert run.status == "SUCCEEDED", run.cause
        return run


def is_told(change: Change, names: Mapping[str, str], difference: Difference) -> bool:
    """Whether it is the one difference that the change is to be, with its fix."""
    where = change.resource.format_map(names), change.path.format_map(names)
    return all(map(fnmatchcase, (difference["resource"], difference["path"]), where)) and is_of(
        KINDS[change.kind], difference
    )


def is_of(kind: DriftKind, difference: Difference) -> bool:
    """A difference of that kind: the same words, and a name wherever the kind has a place for one."""
    named: dict[str, str] = {}
    for text, template in (
        (difference["resource"], kind.resource),
        (difference["path"], kind.path),
        (difference["fix"], kind.fix),
    ):
        match = re.fullmatch(pattern(template), text)
        if match is None or any(named.get(name, value) != value for name, value in match.groupdict().items()):
            return False
        named |= match.groupdict()
    return (difference["severity"], difference["repairable"]) == (kind.severity, kind.repairable)


def pattern(template: str) -> str:
    """{names} are whatever is there, the same one wherever a name is used again."""
    seen: set[str] = set()

    def group(match: re.Match[str]) -> str:
        name = match[1]
        if name in seen:
            return f"(?P={name})"
        seen.add(name)
        return f"(?P<{name}>.+)"

    return PLACEHOLDER.sub(group, re.escape(template))


def told_apart(
    changes: Sequence[Change], names: Mapping[str, str], differences: Sequence[Difference]
) -> dict[str, int]:
    """Name of each change -> how many of the differences are it; "unexpected" -> how many are none."""
    count = {change.name: sum(is_told(change, names, each) for each in differences) for change in changes}
    strangers = [each for each in differences if not any(is_told(change, names, each) for change in changes)]
    return {**count, **{f"unexpected: {each['resource']} {each['path']}": 1 for each in strangers}}


def batches(changes: Sequence[Change]) -> list[tuple[str, ...]]:
    """As few as there can be of changes that do not get in each other's way; what only takes its time apart."""
    alone = [(change.name,) for change in changes if change.is_alone]
    waited_for = [change for change in changes if change.settle and not change.is_alone]
    others = [change for change in changes if not change.settle and not change.is_alone]
    return [*_one_of_each_part(others), *_one_of_each_part(waited_for), *alone]


def _one_of_each_part(changes: Iterable[Change]) -> list[tuple[str, ...]]:
    made: list[dict[str, str]] = []
    for change in changes:
        batch = next((batch for batch in made if change.part not in batch), None)
        if batch is None:
            made.append(batch := {})
        batch[change.part] = change.name
    return [tuple(batch.values()) for batch in made]


def of_names(names: Iterable[str]) -> list[Change]:
    return [CHANGES[name] for name in names]


@dataclass
class Watched:
    """Calls made while it is armed, by the ARN of the role in whose session."""

    cloud: EmbeddedCloud
    calls: list[tuple[str, str]] = field(default_factory=list)

    def note(self, call: Call) -> None:
        caller = iam.caller_of(call.access_key_id, call.account_id, "aws")
        self.calls.append((caller.iam_arn, call.name))

    def of_role(self, name: str) -> list[str]:
        return [call for arn, call in self.calls if arn.endswith(f":role/{name}")]
