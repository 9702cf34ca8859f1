from pathlib import Path

import click

from eks_efs import records
from eks_efs.completions import clusters
from eks_efs.endings import Exit
from eks_efs.options import examples, of_a_stack, waiting, with_json, with_saving
from eks_efs.screen import Screen
from eks_efs.stack import Stack
from eks_efs.watching import run


@click.command(epilog=examples("eks-efs check eks-example", "eks-efs check eks-example --behaviour --json"))
@click.argument("cluster", shell_complete=clusters)
@click.option("--behaviour", is_flag=True, help="Also let pods write and read once more.")
@click.option("--repair", is_flag=True, help="Let a provisioning run repair what differs, if it can repair all of it.")
@waiting
@with_saving
@with_json
@of_a_stack
def check(
    cluster: str, behaviour: bool, repair: bool, wait: bool, save: Path | None, screen: Screen, stack: Stack
) -> Exit:
    """Compare a cluster with what was asked for.

    CLUSTER is its name, or account/region/name. Without --repair nothing is changed.
    """
    record = records.one(stack, cluster)
    asked = {
        "account_id": record.account_id,
        "region": record.region,
        "cluster_name": record.cluster,
        "depth": "behaviour" if behaviour else "configuration",
        "remediate": repair,
    }
    return run(stack, screen, "Reverify", asked, wait=wait, save=save)
