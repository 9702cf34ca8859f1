"""The app with one line of its code broken on purpose, deployed beside the good one."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from local.cloud import ROOT, EmbeddedCloud
from tests.end_to_end.runs import Machine

APP = ("template.yaml", "accounts", "functions", "layers", "operations", "statemachine")


@dataclass(frozen=True)
class Mutation:
    """`before` must occur exactly once in the file: a mutation that changes nothing proves nothing."""

    name: str
    file: str
    before: str
    after: str


def deploy_mutant(cloud: EmbeddedCloud, mutation: Mutation, directory: Path, *more: Mutation) -> Machine:
    """Copies the app, breaks it, deploys it as a stack with roles of its own."""
    for part in APP:
        source = ROOT / part
        copy = shutil.copytree if source.is_dir() else shutil.copy2
        copy(source, directory / part)
    for each in (mutation, *more):
        broken = directory / each.file
        text = broken.read_text()
        assert text.count(each.before) == 1, f"{each.before!r} occurs {text.count(each.before)} times"
        broken.write_text(text.replace(each.before, each.after))
    # A new account is for the good stack alone, in whose tests it comes.
    parameters = {"RolePrefix": mutation.name, "NewAccountTrigger": "DISABLED"}
    outputs = cloud.deploy(directory / "template.yaml", mutation.name, parameters)
    return Machine(cloud, outputs)
