from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table

from eks_efs.attested import Attested, RefusedError, verify
from eks_efs.endings import Exit, WrongInput
from eks_efs.options import examples, of_a_stack, with_json
from eks_efs.screen import Screen
from eks_efs.speed import show_speed
from eks_efs.stack import Stack
from provisioner.report.attestation import ATTESTATION, EVIDENCE, EvidenceKey

_SHOWN: Final = (
    "At that time the writers and the appender had the file system mounted over NFS, each on a node, and wrote to it;"
    " afterwards the reader, on a node of its own, read byte for byte what they had written, and no increment of the"
    " counter that all writers raised at once was lost."
)
_RECOMPUTED: Final = (
    "the signature, every line of every writer from the run's nonce, every sha256, the order of all times"
)
_NOT_SHOWN: Final = (
    "that the storage is right at any other time, or as fast; that nobody who may use the key, or change the"
    " functions that do, made it up. Times are those of Kubernetes and of the containers."
)


@dataclass(frozen=True)
class Checked:
    file: Path
    attested: Attested | None
    refusal: str = ""

    def as_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {"file": str(self.file), "is_right": False, "refusal": self.refusal}
        if found := self.attested:
            about = {name: getattr(found, name) for name in ("cluster", "account_id", "region", "execution_arn", "key")}
            told |= {"is_right": True, "refusal": None, "verified_at": found.evidence.verified_at, **about}
        return told


@click.group(short_help="Check evidence; get the key that signs it.")
def evidence() -> None:
    """Check evidence, without AWS and without anybody's word; get the public key that this takes."""


@evidence.command(short_help="Get the public key.", epilog=examples("eks-efs evidence key evidence.pem"))
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@with_json
@of_a_stack
def key(file: Path, screen: Screen, stack: Stack) -> Exit:
    """Write the public half of the stack's key to FILE, as KMS tells it. Keep it where nobody changes it."""
    found = EvidenceKey(stack.outputs["EvidenceKeyArn"], stack.client("kms"))
    file.write_bytes(found.public_pem)
    told = {"file": str(file), "key": found.fingerprint, "key_arn": found.key_id}
    screen.result(told, lambda console: console.print(f"Saved {file}: key {found.fingerprint}", soft_wrap=True))
    return Exit.AS_ASKED


@evidence.command(
    "verify",
    short_help="Check evidence files alone.",
    epilog=examples("eks-efs evidence verify reports --key evidence.pem"),
)
@click.argument("paths", metavar="FILE...", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--key",
    "pem",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The public key of the stack, in PEM: eks-efs evidence key.",
)
@with_json
def verify_files(paths: Sequence[Path], pem: Path, screen: Screen) -> Exit:
    """Check that evidence is what the stack signed, and that it proves what it says; of a folder, all in it.

    Nothing is sent anywhere. What the key has signed lies beside each file, as <FILE>.intoto.jsonl.
    """
    files = list(_files(paths))
    if not files:
        raise WrongInput(f"there is no {EVIDENCE} in {', '.join(map(str, paths))}")
    checked = [_check(file, pem.read_bytes()) for file in files]
    screen.result([each.as_json() for each in checked], lambda console: _show(console, checked))
    return Exit.AS_ASKED if all(each.attested for each in checked) else Exit.FAILED


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        yield from sorted(path.rglob(EVIDENCE)) if path.is_dir() else [path]


def _check(file: Path, pem: bytes) -> Checked:
    attestation = file.with_name(f"{file.name}{ATTESTATION}")
    if not attestation.exists():
        return Checked(file, None, f"{attestation.name} is not beside it: it was not signed, or not kept whole")
    try:
        return Checked(file, verify(file.read_bytes(), attestation.read_bytes(), pem))
    except RefusedError as refused:
        return Checked(file, None, str(refused))


def _show(console: Console, checked: Sequence[Checked]) -> None:
    for each in checked:
        if each.attested is None:
            console.print(f"[bold red]Refused[/]: {each.file}", soft_wrap=True)
            console.print(f"  {each.refusal}", soft_wrap=True, markup=False)
            continue
        console.print(f"[bold green]Right[/]: {each.file}", soft_wrap=True)
        _tell(console, each.attested)
    if any(each.attested for each in checked):
        table = Table.grid(padding=(0, 2))
        for name, text in (("shown", _SHOWN), ("recomputed", _RECOMPUTED), ("not shown", _NOT_SHOWN)):
            table.add_row(name, text)
        console.print("", table)


def _tell(console: Console, found: Attested) -> None:
    about = found.evidence
    pods = f"{len(about.writers)} writers of {about.lines_per_writer} lines each, an appender and a reader"
    table = Table.grid(padding=(0, 2))
    for name, text in (
        ("cluster", f"{found.cluster} in {found.account_id}, {found.region}"),
        ("file system", about.file_system_id + (f" through {about.access_point_id}" if about.access_point_id else "")),
        ("proven at", about.verified_at),
        ("by", pods),
        ("execution", found.execution_arn),
        ("signed by", found.key),
    ):
        table.add_row(f"  {name}", text)
    console.print(table)
    show_speed(console, about.model_dump(mode="json"))
