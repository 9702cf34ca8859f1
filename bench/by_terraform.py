"""The same resources made by `terraform apply` beside a run, on the same embedded cloud, where terraform is here."""

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.cloud import ROOT, EmbeddedCloud
from tests.clients.terraform import MISSING, Terraform, configured

CONFIGURATION = ROOT / "tests" / "clients" / "network_to_coredns"
MOST_SECONDS = 3600.0


@dataclass
class Beside:
    """`said`: what came of it, when the block is left."""

    said: str = ""


@contextmanager
def beside(cloud: EmbeddedCloud, scale: float) -> Iterator[Beside]:
    """Begins with the block, and is waited for at its end. What terraform itself sleeps is not scaled."""
    found = Beside()
    if MISSING:
        found.said = f"`terraform apply` was left out, as there is {MISSING}"
        yield found
        return
    with tempfile.TemporaryDirectory() as directory:
        terraform = configured(Path(directory) / "work", CONFIGURATION, _environment(cloud), MOST_SECONDS)
        apply = threading.Thread(target=_apply, args=(terraform, scale, found))
        apply.start()
        try:
            yield found
        finally:
            apply.join()


def _apply(terraform: Terraform, scale: float, found: Beside) -> None:
    started = time.monotonic()
    try:
        terraform("apply", "-auto-approve", "-input=false")
    except AssertionError as failed:
        found.said = f"`terraform apply` failed: {failed}"
        return
    seconds = (time.monotonic() - started) / scale
    made = len(terraform.resources())
    found.said = f"`terraform apply` of the same, {made} resources and no proof, took {seconds:.0f} s beside it"


def _environment(cloud: EmbeddedCloud) -> dict[str, str]:
    access_key = cloud.administrator_access_key()
    return {
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_REGION": cloud.region,
        "AWS_ACCESS_KEY_ID": access_key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": access_key["SecretAccessKey"],
        "AWS_EC2_METADATA_DISABLED": "true",
    }
