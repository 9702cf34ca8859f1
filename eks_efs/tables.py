"""Tables for a terminal: the evidence of a run, the diagnosis of a failure, drift, a removal, the fleet."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from eks_efs.records import Record, ago


def evidence_tables(output: Mapping[str, Any]) -> Iterator[Table]:
    """From the output of a provisioning run: the cluster, who wrote and read, what was read."""
    yield _summary(output)
    evidence = output["evidence"]
    further = evidence.get("further_volumes") or []
    for volume in (evidence, *further):
        whose = f"{volume['persistent_volume']}: " if further else ""
        yield _pods(volume, evidence["run_id"], whose)
        yield _files(volume, evidence["run_id"], whose)
        yield _counter(volume["counter"], whose)
        yield _listing(volume, evidence["run_id"], whose)
    if further:
        yield _apart([evidence, *further])


def plan_tables(output: Mapping[str, Any]) -> Iterator[Table]:
    """From the output of a run with mode plan: what it would do in its order, and what it warns of."""
    changes = _table("What a run would do, in this order", "", "what")
    for change in output["changes"]:
        changes.add_row(change["action"].replace("_", " "), change["resource"])
    if output["changes"]:
        yield changes
    if output["unchanged"]:
        unchanged = _table("What is as it was asked for", "")
        unchanged.show_header = False
        for resource in output["unchanged"]:
            unchanged.add_row(resource)
        yield unchanged
    if output["warnings"]:
        warnings = _table("Warnings", "")
        warnings.show_header = False
        for warning in output["warnings"]:
            warnings.add_row(warning.replace("_", " "))
        yield warnings


def removal_tables(output: Mapping[str, Any]) -> Iterator[Table]:
    """From the output of a removal or of its plan: what goes or is gone, what stays and why, what is in the way."""
    is_plan = output.get("status") == "Planned"
    goes = _table("What would go" if is_plan else "What is gone, in the order of its going", "what", "id")
    for each in output.get("goes") or output.get("removed") or []:
        goes.add_row(each["resource"], each["id"])
    if goes.row_count:
        yield goes
    stays = _table("What would stay" if is_plan else "What was kept", "what", "id", "why")
    for each in output.get("stays") or output.get("kept") or []:
        stays.add_row(each["resource"], each["id"], each["why"])
    if stays.row_count:
        yield stays
    yield from diagnosis_tables(output.get("obstacles") or [])


def _summary(output: Mapping[str, Any]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.title = f"{output['cluster']['name']} in {output['account_id']}, {output['region']}"
    table.title_justify, table.title_style = "left", "bold"
    mount_targets = output["file_system"]["mount_targets"]
    table.add_row("cluster", f"{output['cluster']['arn']}, Kubernetes {output['cluster']['version']}")
    table.add_row("file system", f"{output['file_system']['id']}, mount targets in {_joined(mount_targets)}")
    for storage in output["storage"].get("volumes") or [output["storage"]]:
        table.add_row(
            "volume", f"{storage['volume_handle']} as {storage['persistent_volume']}, class {storage['storage_class']}"
        )
        table.add_row("claim", f"{storage['namespace']}/{storage['claim']}")
    for unlisted in output["storage"].get("unlisted") or []:
        table.add_row("kept", f"{unlisted['persistent_volume']}, no longer asked for: {unlisted['how_to_remove']}")
    return table


def _joined(mount_targets: list[Mapping[str, Any]]) -> str:
    return ", ".join(target["availability_zone_id"] for target in mount_targets)


def _pods(volume: Mapping[str, Any], run_id: str, whose: str) -> Table:
    title = f"{whose}Who wrote and who read, each on a Fargate node of its own"
    table = _table(title, "pod", "node", "zone", "/data is")
    for pod in filter(None, (*volume["writers"], volume["appender"], volume.get("neighbour"), volume["reader"])):
        node = pod["node"].split(".")[0].removeprefix("fargate-ip-").replace("-", ".")
        table.add_row(_short(pod["pod"], run_id), node, pod["zone"], "{source} {type}".format_map(pod["mount"]))
    return table


def _files(volume: Mapping[str, Any], run_id: str, whose: str) -> Table:
    table = _table(f"{whose}What the reader found; every hash was recomputed", "file", "lines", "owner", "sha256")
    for file in volume["reader"]["files"]:
        name, sha256 = _short(file["name"], run_id), f"{file['sha256'][:20]}…"
        table.add_row(name, str(file["lines"]), file["owner"], sha256)
    return table


def _counter(counter: Mapping[str, int], whose: str) -> Table:
    table = _table(f"{whose}The counter that all writers raised under flock", "expected", "found")
    table.add_row(str(counter["expected"]), str(counter["found"]))
    return table


def _listing(volume: Mapping[str, Any], run_id: str, whose: str) -> Table:
    table = _table(f"{whose}The reader's ls -l, and what the appender had put into out.txt", "")
    table.show_header = False
    for line in (*volume["reader"]["listing"], *volume["reader"]["text"]):
        table.add_row(_short(" ".join(line.split()), run_id))
    return table


def _apart(volumes: Sequence[Mapping[str, Any]]) -> Table:
    table = _table(
        "What pods of each volume could read of what pods had just written", "mounted", "shows", "could read"
    )
    for volume in volumes:
        read = [each["volume"] for each in volume["neighbour"]["attempts"] if each["read_at"]]
        table.add_row(volume["persistent_volume"], volume["directory"], ", ".join(read))
    return table


def diagnosis_tables(diagnosis: Sequence[Mapping[str, Any]]) -> Iterator[Table]:
    """A table per cause that is not refuted, the proved ones first, as they come."""
    for cause in diagnosis:
        if cause["verdict"] == "refuted":
            continue
        table = Table.grid(padding=(0, 2))
        table.title = f"{cause['verdict'].capitalize()}: {cause['rule']}"
        table.title_justify, table.title_style = "left", "bold"
        table.add_row("cause", Text(cause["cause"]))
        table.add_row("seen", Text(f"{cause['probe']['looked_at']}: {cause['probe']['saw']}"))
        table.add_row("fix", Text(cause["fix"], "bold green"))
        yield table


def drift_table(drift: Sequence[Mapping[str, Any]]) -> Table:
    return _differences_table("What is not as it was asked for", drift)


def account_changes_table(changes: Sequence[Mapping[str, Any]], when: str) -> Table:
    """`when`: how long ago that was found."""
    return _differences_table(f"Accounts that are not what they were when their clusters were made, {when}", changes)


def _differences_table(title: str, drift: Sequence[Mapping[str, Any]]) -> Table:
    """A row per difference: where it is, what was asked for and what is there; and its fix."""
    table = _table(title, "where, and what", "what to do")
    table.leading = 1
    for column in table.columns:
        column.overflow = "fold"
    for difference in drift:
        asked_for, found = (_value(difference[name]) for name in ("expected", "actual"))
        where = Text(difference["resource"], "red" if difference["severity"] == "critical" else "yellow")
        where.append(f"\n{difference['path']}", "default")
        where.append(f"\nasked for: {asked_for}, found: {found}", "dim")
        table.add_row(where, Text(difference["fix"], "green"))
    return table


def repaired_table(repaired: Sequence[Mapping[str, Any]]) -> Table:
    table = Table.grid(padding=(0, 1))
    for difference in repaired:
        table.add_row(Text("✓", "green"), Text(difference["resource"]), Text(difference["path"], "dim"))
    return table


def fleet_tables(output: Mapping[str, Any]) -> Iterator[Table]:
    """From the output of a check of the fleet: how many clusters are how, and those that somebody has to look at."""
    counts = _table("The fleet", "clusters", "")
    for name, count in output["counts"].items():
        counts.add_row(str(count), name.replace("_", " "))
    yield counts
    attention = _table("What somebody has to look at", "cluster", "account", "region", "state", "why")
    for each in output["attention"]:
        why = each["cause"] or f"{each['differences']} differences"
        attention.add_row(each["cluster_name"], each["account_id"], each["region"], each["status"], Text(why))
    if attention.row_count:
        yield attention


def records_table(found: Sequence[Record], now: datetime) -> Table:
    """A line per cluster where there is room; where there is less, a name or an id is broken last."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("cluster", "state", "version", "age", "proven"):
        table.add_column(name, no_wrap=True, overflow="fold")
    for name in ("drift", "account, region, unit"):
        table.add_column(name, overflow="fold")
    for record in found:
        where = " ".join((record.account_id, record.region, record.organizational_unit_id or "–"))
        age, proven = _age(record, now), ago(record.verified_at, now)
        table.add_row(record.cluster, _state(record), record.version or "–", age, proven, _drift(record, now), where)
    return table


def record_table(record: Record, now: datetime) -> Table:
    table = Table.grid(padding=(0, 2))
    table.title, table.title_justify, table.title_style = record.named, "left", "bold"
    table.add_row("state", _state(record))
    table.add_row("version", record.version or "–")
    table.add_row("age", _age(record, now))
    table.add_row("proven", f"{ago(record.verified_at, now)} ({record.verified_at or '–'})")
    table.add_row("drift", _drift(record, now))
    table.add_row("unit", record.organizational_unit_id or "–")
    table.add_row("last run", record.execution_arn or "–")
    if record.held_by:
        table.add_row("worked on by", record.held_by)
    return table


def _age(record: Record, now: datetime) -> str:
    """Of the cluster in EKS; none of one that is gone, or was last proven by a version that kept no such time."""
    if record.created_at is None or record.removed_at is not None:
        return "–"
    return ago(record.created_at, now).removesuffix(" ago").replace("just now", "new")


def _state(record: Record) -> Text:
    return Text(record.state, {"Ready": "green", "Failed": "bold red", "Removed": "dim"}.get(record.state, "yellow"))


def _drift(record: Record, now: datetime) -> Text:
    """How the last check ended, and how long ago."""
    match record.check:
        case None:
            return Text("not checked", "dim")
        case "Verified":
            found = Text("none", "green")
        case "Drifted":
            found = Text("1 difference" if record.differences == 1 else f"{record.differences} differences", "red")
        case check:
            found = Text(check, "bold red")
    return found.append(f", {ago(record.checked_at, now)}", "dim")


def _value(value: Any) -> str:
    """For people: whether it is there, nothing, or what it is."""
    match value:
        case None | True | False:
            return {None: "nothing", True: "yes", False: "no"}[value]
        case str():
            return value
        case _:
            return json.dumps(value)


def _table(title: str, *columns: str) -> Table:
    """At least as wide as its title, which is then one line."""
    shape: dict[str, Any] = {"box": SIMPLE_HEAD, "pad_edge": False, "min_width": len(title)}
    return Table(*columns, title=title, title_justify="left", title_style="bold", **shape)


def _short(text: str, run_id: str) -> str:
    """All names of a run begin alike; the saved evidence has them whole."""
    return text.replace(f"verification-{run_id}-", "")
