"""Where what works, from the lists of resource types that AWS publishes per region: `python -m tools.regions`.

Writes layers/provisioner/provisioner/regions.json (what the request is checked against), the sections Rules and
Mappings of template.yaml (where the stack is refused, and what it leaves out), and docs/regions.md.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from botocore.session import get_session

from local.aws.availability import published_regions, types_in
from local.aws.deploy import translated
from tools.event_schemas import ROOT
from tools.templates import load_template

DATA: Final = ROOT / "layers" / "provisioner" / "provisioner" / "regions.json"
TEMPLATE: Final = ROOT / "template.yaml"
DOCUMENT: Final = ROOT / "docs" / "regions.md"

_OF_NETWORKS: Final = ROOT / "layers" / "provisioner" / "provisioner" / "resources"
NETWORK: Final = (_OF_NETWORKS / "network.yaml", _OF_NETWORKS / "nat.yaml")
MADE_BY_CALLS: Final = frozenset(
    {
        "AWS::EC2::SecurityGroup",
        "AWS::EFS::AccessPoint",
        "AWS::EFS::FileSystem",
        "AWS::EFS::MountTarget",
        "AWS::EKS::AccessEntry",
        "AWS::EKS::Addon",
        "AWS::EKS::Cluster",
        "AWS::EKS::FargateProfile",
    }
)
"""What the state machine makes in a cluster's region beside the network's stack, by the types of the registry."""

OPTIONAL: Final = ("EventSchemas",)
"""Nested stacks that are left out where a type of theirs is missing, by their names in template.yaml."""
_IN_WORDS: Final = {
    "AWS::EKS::FargateProfile": "EKS on Fargate",
    "AWS::EventSchemas::Registry": "EventBridge's schema registry",
}
_UNPUBLISHED: Final = "no: what it has is not published"
_SOMEWHERE: Final = {
    "CodeUri": "s3://bucket/key",
    "ContentUri": "s3://bucket/key",
    "DefinitionUri": "s3://bucket/key",
    "Location": "https://bucket/key",
}
"""Where packaging would have put what a SAM template points at."""
_FIRST_LINE: Final = "# ---- Regions: written by `python -m tools.regions`; a test keeps them current ----"
_LAST_LINE: Final = "# ---- Until here"
_WIDTH: Final = 120


@dataclass(frozen=True)
class Region:
    """What is missing in a region, as types; None where nothing is published."""

    name: str
    partition: str
    cluster: frozenset[str] | None
    stack: frozenset[str] | None
    optional: frozenset[str]

    @property
    def has_clusters(self) -> bool:
        return self.cluster == frozenset()


@cache
def regions() -> tuple[Region, ...]:
    """Those with a published list, and those that botocore knows EKS in."""
    session = get_session()
    partitions = {
        name: partition
        for partition in session.get_available_partitions()
        for name in session.get_available_regions("eks", partition_name=partition)
    }
    known = {name: session.get_partition_for_region(name) for name in published_regions()}
    return tuple(_region(name, partition) for name, partition in sorted({**partitions, **known}.items()))


def deployable() -> list[Region]:
    """Where the stack can be deployed: nothing that it needs is missing, and its partition has a region for clusters.

    A role of another partition cannot be assumed, so a stack without such a region could not do anything.
    """
    with_clusters = {region.partition for region in regions() if region.has_clusters}
    return [region for region in regions() if region.stack == frozenset() and region.partition in with_clusters]


def data() -> str:
    missing = {region.name: sorted(region.cluster) for region in regions() if region.cluster is not None}
    return json.dumps(missing, indent=1) + "\n"


def with_sections(template: str) -> str:
    """The template with its generated sections as they have to be.

    Raises: ValueError, when their place is not marked.
    """
    if not 0 <= template.find(_FIRST_LINE) < template.find(_LAST_LINE):
        raise ValueError(f"template.yaml must have the lines {_FIRST_LINE!r} and {_LAST_LINE!r}")
    before, _, rest = template.partition(_FIRST_LINE)
    _, _, after = rest.partition(_LAST_LINE)
    return f"{before}{_FIRST_LINE}\n{_sections()}{_LAST_LINE}{after}"


def markdown() -> str:
    return "".join(_document())


def _region(name: str, partition: str) -> Region:
    here = types_in(name)
    if here is None:
        return Region(name, partition, None, None, frozenset())
    return Region(
        name,
        partition,
        cluster=(MADE_BY_CALLS | _network_types()) - here,
        stack=stack_types() - here,
        optional=frozenset(name for name in OPTIONAL if _nested()[name] - here),
    )


@cache
def stack_types() -> frozenset[str]:
    """The types that cannot be left out: of template.yaml once SAM has translated it, and of its nested stacks.

    A false condition saves no type of template.yaml: CloudFormation looks at all of a template's types first.
    """
    template = load_template(TEMPLATE)
    for resource in template["Resources"].values():
        properties = resource.setdefault("Properties", {})
        properties |= {name: place for name, place in _SOMEWHERE.items() if name in properties}
    own = _types(translated(template, {}, "us-east-1"))
    return own.union(*(types for name, types in _nested().items() if name not in OPTIONAL))


@cache
def _nested() -> Mapping[str, frozenset[str]]:
    """Name of each nested stack -> the types of its template."""
    applications = {
        name: each["Properties"]["Location"]
        for name, each in load_template(TEMPLATE)["Resources"].items()
        if each["Type"] == "AWS::Serverless::Application"
    }
    return {name: _types(load_template(ROOT / location)) for name, location in applications.items()}


@cache
def _network_types() -> frozenset[str]:
    return frozenset().union(*(_types(load_template(each)) for each in NETWORK))


def _types(template: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(str(resource["Type"]) for resource in template["Resources"].values())


def _sections() -> str:
    return f"""\
Rules:
  TheRegionHasWhatTheStackNeeds:
    Assertions:
      - Assert:
          Fn::Contains:
            - [{_wrapped([region.name for region in deployable()], 15)}]
            - !Ref AWS::Region
        AssertDescription: >-
          This stack cannot be deployed in this region: docs/regions.md says why, and where it can be deployed; from
          there it makes clusters in other regions too.

Mappings:
  Regions:
{"".join(map(_mapped, deployable()))}"""


def _mapped(region: Region) -> str:
    flags = (f'{name}: "{"false" if name in region.optional else "true"}"' for name in OPTIONAL)
    return f"    {region.name}: {{{', '.join(flags)}}}\n"


def _wrapped(names: list[str], indent: int) -> str:
    lines, line = [], ""
    for name in names:
        if line and indent + len(line) + len(name) + 2 > _WIDTH:
            lines.append(line)
            line = ""
        line += f"{name}, "
    return ("\n" + " " * indent).join(text.rstrip() for text in [*lines, line]).rstrip(",")


def _document() -> Iterator[str]:
    yield """\
# Regions

Generated by `python -m tools.regions` (`make generate`) from the lists of resource types that CloudFormation's registry
has per region, as cfn-lint ships them; a test keeps it current. A list says that a resource can be made there; that it
works, only a run there can tell.

*The stack* is this application; *clusters* are what it makes, in its own region or, as `region` of a request, in
another one of its partition. A region that has no published list, or that is missing here, is refused until the data
are updated (`cfn-lint` in requirements.txt, then `make generate`): what it lacked would show only after a cluster had
been built and billed.

| region | the stack | clusters |
|---|---|---|
"""
    for region in regions():
        yield f"| {region.name} | {_stack(region)} | {_clusters(region)} |\n"


def _stack(region: Region) -> str:
    if region in deployable():
        return "yes" + "".join(f", without {_named(_nested()[name])}" for name in sorted(region.optional))
    if region.stack is None:
        return _UNPUBLISHED
    if region.stack:
        return f"no: without {_named(region.stack)}"
    return f"no: without a region for clusters in {region.partition}"


def _clusters(region: Region) -> str:
    if region.cluster is None:
        return _UNPUBLISHED
    return f"no: without {_named(region.cluster)}" if region.cluster else "yes"


def _named(types: frozenset[str]) -> str:
    """In words where there are some; a registry's schemas go without saying."""
    return ", ".join([_IN_WORDS[each] for each in sorted(types) if each in _IN_WORDS] or sorted(types))


def write() -> None:
    DATA.write_text(data())
    TEMPLATE.write_text(with_sections(TEMPLATE.read_text()))
    DOCUMENT.write_text(markdown())


if __name__ == "__main__":
    write()
