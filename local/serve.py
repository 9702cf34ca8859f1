"""`make serve`: the embedded cloud on fixed ports until Ctrl-C, for unmodified `aws` and `kubectl`."""

import argparse
import json
import shlex
import shutil
import signal
import sys
import threading
from pathlib import Path

from rich.console import Console

from local.cloud import KUBERNETES_KINDS, EmbeddedCloud

ROOT = Path(__file__).resolve().parents[1]
DIRECTORY = ROOT / ".local" / "serve"
EXPORTS = ROOT / ".local" / "serve.env"
AWS_PORT = 4566
FIRST_KUBERNETES_PORT = 6443


def exports(cloud: EmbeddedCloud, outputs: dict[str, str]) -> dict[str, str]:
    """What a shell needs to talk to the embedded cloud as an administrator."""
    access_key = cloud.administrator_access_key()
    return {
        "AWS_ENDPOINT_URL": cloud.endpoint,
        # EKS accepts only tokens presigned for a real regional STS host; `aws eks get-token` presigns for this one.
        "AWS_ENDPOINT_URL_STS": f"https://sts.{cloud.region}.amazonaws.com",
        "AWS_ACCESS_KEY_ID": access_key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": access_key["SecretAccessKey"],
        "AWS_DEFAULT_REGION": cloud.region,
        "AWS_PAGER": "",
        "PROVISION_STATE_MACHINE_ARN": outputs["ProvisionStateMachineArn"],
        "KUBECONFIG": str(EXPORTS.parent / "kubeconfig"),
    }


def usage(administrator_arn: str) -> str:
    request = json.dumps({"cluster": {"admin_principal_arns": [administrator_arn]}})
    return f"""\
In another shell:
  source {EXPORTS.relative_to(ROOT)}
  aws stepfunctions start-execution --state-machine-arn $PROVISION_STATE_MACHINE_ARN --input '{request}'
  aws stepfunctions list-executions --state-machine-arn $PROVISION_STATE_MACHINE_ARN
  aws eks update-kubeconfig --name eks-example     # once the cluster is there
  kubectl get storageclass,persistentvolume,persistentvolumeclaim,node"""


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make serve", description=__doc__)
    parser.add_argument("--scale", type=float, default=0.0, help="1: real durations; 0: as fast as it goes")
    parser.add_argument("--kubernetes", choices=KUBERNETES_KINDS, default="embedded")
    asked = parser.parse_args(argv)
    console = Console(highlight=False)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    EXPORTS.unlink(missing_ok=True)
    console.print(f"Starting the embedded cloud (time scale {asked.scale:g}, {asked.kubernetes} Kubernetes)…")
    with EmbeddedCloud(
        DIRECTORY,
        scale=asked.scale,
        kubernetes=asked.kubernetes,
        aws_port=AWS_PORT,
        kubernetes_port=FIRST_KUBERNETES_PORT,
    ) as cloud:
        values = exports(cloud, cloud.deploy())
        text = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items())
        # Whoever waits for this file finds it whole.
        unfinished = EXPORTS.with_suffix(".part")
        unfinished.touch(mode=0o600)
        unfinished.write_text(text)
        unfinished.rename(EXPORTS)
        console.print(f"AWS answers at {cloud.endpoint}; the app is deployed. Ctrl-C stops everything.\n")
        console.print(usage(cloud.administrator_arn), markup=False, soft_wrap=True)
        stop.wait()
        console.print("\nStopping…")
    EXPORTS.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
