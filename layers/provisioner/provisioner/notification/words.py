"""What each event of the machines is in words: what happened, the first cause or the proof, and what to do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from provisioner.notification.detail import Detail, counted, listed, number, part, place, text
from provisioner.notification.harmless import name, said, words

_WORKED: Final = {"provision": "a run", "reverify": "a check", "teardown": "a removal"}
_SURE: Final = {"proved": "Cause:", "possible": "Possible cause:"}


@dataclass(frozen=True)
class Line:
    """`ours` are our own words; `theirs` may be anybody's, and follow them."""

    ours: str
    theirs: str = ""

    @property
    def plain(self) -> str:
        return f"{self.ours} {self.theirs}".rstrip()


@dataclass(frozen=True)
class Words:
    """`happened` goes on after "Storage cluster x", or stands alone where no cluster is meant."""

    happened: str
    what: Line
    why: Line
    todo: Line


def _ready(detail: Detail) -> Words:
    version, file_system = name(text(detail, "cluster", "version"), 10), name(text(detail, "file_system", "id"), 40)
    claim = f"{text(detail, 'storage', 'namespace')}/{text(detail, 'storage', 'claim')}"
    return Words(
        "is ready",
        Line(f"{place(detail)}: ready, with Kubernetes {version} and the file system {file_system}."),
        Line(f"Proof: {_proof(part(detail, 'evidence'))}"),
        Line("What to do: nothing; pods may mount the claim", said(claim)),
    )


def _failed(detail: Detail) -> Words:
    failure, causes = part(detail, "failure"), listed(detail, "diagnosis")
    machine = text(detail, "execution_arn").split(":execution:")[-1].split(":")[0].rpartition("-")[2]
    first: Detail = next((each for each in causes if each.get("verdict") in _SURE), {})
    fix = first.get("fix") or "read the report and the execution, mend the cause, and start it again."
    state = words(text(failure, "state"), 80)
    left = f" Left behind: {detail['left_behind']}" if detail.get("left_behind") else ""
    cause = first.get("cause") or f"{text(failure, 'error')}: {text(failure, 'cause')}"
    return Words(
        "failed",
        Line(f"{place(detail)}: {_WORKED.get(machine, 'an execution')} failed in the state {state}."),
        Line(_SURE.get(str(first.get("verdict")), "It said:"), said(cause)),
        Line("What to do:", said(f"{fix}{left}")),
    )


def _drifted(detail: Detail) -> Words:
    drift = sorted(listed(detail, "drift"), key=lambda each: each.get("severity") != "critical")
    critical = sum(each.get("severity") == "critical" for each in drift)
    first: Detail = drift[0] if drift else {}
    compared = f"{first.get('resource')}, {first.get('path')}: {first.get('actual')} instead of {first.get('expected')}"
    return Words(
        "has drifted",
        Line(f"{place(detail)}: not as it was asked for; {counted(len(drift), 'difference')}, {critical} critical."),
        Line("The first:" if len(drift) > 1 else "It is:", said(compared)),
        Line("What to do:", said(first.get("fix") or "look at what differs.")),
    )


def _verified(detail: Detail) -> Words:
    repaired, behaviour = listed(detail, "repaired"), part(detail, "behaviour")
    if behaviour.get("proven") is True:
        proof = Line(f"Proof: {_proof(part(behaviour, 'evidence'))}")
    elif behaviour:
        proof = Line("Proof: its configuration alone; pods did not run:", said(behaviour.get("left_out_because")))
    else:
        proof = Line("Proof: its configuration, which is all that was asked about.")
    until = name(text(detail, "support", "standard_until"), 10)
    return Words(
        "is as asked for",
        Line(f"{place(detail)}: as it was asked for{_mended(len(repaired))}."),
        proof,
        Line(f"What to do: nothing.{f' Its version leaves standard support on {until}.' if until else ''}"),
    )


def _removed(detail: Detail) -> Words:
    file_system, kept = part(detail, "kept_file_system"), listed(detail, "kept")
    stays, todo = Line("Kept: nothing."), Line("What to do: nothing.")
    if file_system:
        size = counted(number(file_system.get("size_bytes")), "byte")
        stays = Line(f"Kept: the file system {name(file_system.get('id'), 40)}, with {size}.")
        todo = Line("What to do: nothing. To use it again:", said(file_system.get("attach")))
    elif kept:
        stays = Line("Kept:", said(f"{kept[0].get('resource')} {kept[0].get('id')}: {kept[0].get('why')}"))
        todo = Line("What to do: nothing, unless what was kept is to go too; the report names all of it.")
    gone = counted(len(listed(detail, "removed")), "resource")
    return Words("was removed", Line(f"{place(detail)}: removed; {gone} gone."), stays, todo)


def _checked(detail: Detail) -> Words:
    counts, attention = part(detail, "counts"), listed(detail, "attention")
    needing = len(attention) + number(detail.get("attention_left_out"))
    leaving = len(listed(detail, "leaving_support")) + number(detail.get("leaving_support_left_out"))
    failures = [part(detail, each) for each in ("new_accounts_failure", "orphans_failure") if part(detail, each)]
    told = ", ".join(f"{number(count)} {words(each).replace('_', ' ')}" for each, count in counts.items())
    why, todo = Line("None of them needs anybody."), "nothing"
    if attention:
        first = attention[0]
        where = f"{first.get('cluster_name')} in account {first.get('account_id')}, {first.get('region')}"
        why, todo = Line("The first:", said(f"{where}: {first.get('status')}. {first.get('cause') or ''}")), "see each"
    elif failures:
        not_done = f"{failures[0].get('state')}: {failures[0].get('cause')}"
        why, todo = Line("Not all was looked at:", said(not_done)), "mend that; the next check looks again"
    support = f" {counted(leaving, 'version')} about to leave standard support, or past it." if leaving else ""
    return Words(
        f"Storage fleet: {needing} of {sum(map(number, counts.values()))} clusters need somebody",
        Line(f"The fleet was checked: {told}."),
        why,
        Line(f"What to do: {todo}.{support}"),
    )


WORDS: Final[Mapping[str, Callable[[Detail], Words]]] = {
    "Storage Cluster Ready": _ready,
    "Storage Cluster Failed": _failed,
    "Storage Cluster Drifted": _drifted,
    "Storage Cluster Verified": _verified,
    "Storage Cluster Removed": _removed,
    "Storage Fleet Checked": _checked,
}
"""By the event's type. Source: schemas/storage-*.schema.json."""


def _proof(evidence: Detail) -> str:
    writers, sha256 = len(listed(evidence, "writers")), name(text(evidence, "sha256"), 64)
    wrote = f"a fresh pod read every line that {counted(writers, 'pod')} wrote" if writers else "pods wrote and read"
    return f"{wrote}; evidence {sha256}." if sha256 else f"{wrote}."


def _mended(differences: int) -> str:
    return f"; {counted(differences, 'difference')} repaired on the way" if differences else ""
