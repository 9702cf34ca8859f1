import sys
from pathlib import Path
from typing import Any

import click

from eks_efs import records, requests
from eks_efs.completions import clusters
from eks_efs.endings import Exit, WrongInput
from eks_efs.options import examples, of_a_stack, waiting, with_json, with_saving
from eks_efs.records import Record
from eks_efs.screen import Screen
from eks_efs.stack import Stack
from eks_efs.watching import run
from provisioner.errors import RequestError
from provisioner.removal.request import removal


@click.command(
    short_help="Remove a recorded cluster.",
    epilog=examples("eks-efs remove eks-example --plan", "eks-efs remove eks-example --yes"),
)
@click.argument("cluster", shell_complete=clusters)
@click.option("--plan", is_flag=True, help="Say what would go, what would stay and what is in the way; touch nothing.")
@click.option("--delete-data", metavar="FILE_SYSTEM", help="Also remove the file system with its data, by its id.")
@click.option("--delete-logs", is_flag=True, help="Also remove the control plane's logs.")
@click.option("--reason", help="Why; it is told in the event and on the report.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@waiting
@with_saving
@with_json
@of_a_stack
def remove(
    cluster: str,
    plan: bool,
    delete_data: str | None,
    delete_logs: bool,
    reason: str | None,
    yes: bool,
    wait: bool,
    save: Path | None,
    screen: Screen,
    stack: Stack,
) -> Exit:
    """Remove a recorded cluster and what was made for it; its file system stays, unless its id is given.

    CLUSTER is its name, or account/region/name.
    """
    record = records.one(stack, cluster)
    asked: dict[str, Any] = {
        "account_id": record.account_id,
        "region": record.region,
        "cluster_name": record.cluster,
        "mode": "plan" if plan else "apply",
        "delete_data": {"file_system_id": delete_data} if delete_data is not None else None,
        "delete_logs": delete_logs,
        "reason": reason,
    }
    try:
        removal(asked, stack.client("dynamodb"), stack.outputs["ClaimsTableName"])
    except RequestError as error:
        raise WrongInput(requests.in_one_sentence(error)) from error
    if not (plan or yes):
        _confirm(record, delete_data)
    return run(stack, screen, "Teardown", asked, wait=wait, save=save)


def _confirm(record: Record, delete_data: str | None) -> None:
    """Raises: WrongInput unless a person says yes."""
    if not sys.stdin.isatty():
        raise WrongInput("nobody is here to be asked; nothing was removed: say --yes, or --plan")
    data = f"Its data on {delete_data} go too." if delete_data else "Its file system stays."
    if not click.confirm(f"Remove {record.cluster} of {record.account_id} in {record.region}? {data}", err=True):
        raise WrongInput("nothing was removed")
