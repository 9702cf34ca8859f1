"""`make serve`: the embedded cloud on fixed ports until Ctrl-C, for unmodified `aws` and `kubectl`."""

import argparse
import shlex
import shutil
import signal
import socket
import sys
import threading
from pathlib import Path

from rich.console import Console

from local.cloud import KUBERNETES_KINDS, EmbeddedCloud
from local.schedules import PassingTime

ROOT = Path(__file__).resolve().parents[1]
DIRECTORY = ROOT / ".local"
AWS_PORT = 4566
FIRST_KUBERNETES_PORT = 6443
FOREIGN = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN")
"""What a shell may have from other accounts, and what would win over, or spoil, the administrator's access key."""


def as_administrator(cloud: EmbeddedCloud) -> dict[str, str]:
    """What the environment has to say for boto3 and `aws` to be the embedded account's administrator."""
    access_key = cloud.administrator_access_key()
    return {
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_ACCESS_KEY_ID": access_key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": access_key["SecretAccessKey"],
        "AWS_DEFAULT_REGION": cloud.region,
    }


def exports(cloud: EmbeddedCloud, outputs: dict[str, str], kubeconfig: Path) -> dict[str, str]:
    """What a shell needs to talk to the embedded cloud as an administrator."""
    return {
        **as_administrator(cloud),
        # EKS accepts only tokens presigned for a real regional STS host; `aws eks get-token` presigns for this one.
        "AWS_ENDPOINT_URL_STS": f"https://sts.{cloud.region}.amazonaws.com",
        "AWS_PAGER": "",
        "PROVISION_STATE_MACHINE_ARN": outputs["ProvisionStateMachineArn"],
        "REVERIFY_STATE_MACHINE_ARN": outputs["ReverifyStateMachineArn"],
        "TEARDOWN_STATE_MACHINE_ARN": outputs["TeardownStateMachineArn"],
        "FLEET_STATE_MACHINE_ARN": outputs["FleetStateMachineArn"],
        "KUBECONFIG": str(kubeconfig),
    }


def write_exports(path: Path, values: dict[str, str]) -> None:
    """Whoever waits for the file finds it whole; it holds a secret, so nobody else reads it."""
    unfinished = path.with_suffix(".part")
    unfinished.touch(mode=0o600)
    lines = [f"unset {' '.join(FOREIGN)}", *(f"export {name}={shlex.quote(value)}" for name, value in values.items())]
    unfinished.write_text("\n".join(lines) + "\n")
    unfinished.rename(path)


def is_taken(port: int) -> bool:
    with socket.socket() as candidate:
        # As a server binds it: connections of an earlier one that still linger are no obstacle.
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def usage(administrator_arn: str, env_file: Path) -> str:
    return f"""\
In another shell:
  source {shlex.quote(str(env_file))}
  eks-efs provision --set cluster.admin_principal_arns={administrator_arn}     # `pipx install .` once
  eks-efs status
  aws eks update-kubeconfig --name eks-example     # once the cluster is there
  kubectl get storageclass,persistentvolume,persistentvolumeclaim,node"""


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make serve", description=__doc__)
    parser.add_argument("--scale", type=float, default=0.0, help="1: real durations; 0: as fast as it goes")
    parser.add_argument("--kubernetes", choices=KUBERNETES_KINDS, default="embedded")
    parser.add_argument("--aws-port", type=int, default=AWS_PORT)
    parser.add_argument("--kubernetes-port", type=int, default=FIRST_KUBERNETES_PORT, help="of the first cluster")
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="where serve.env and all state go")
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    asked = arguments(argv)
    directory: Path = asked.directory.resolve()
    env_file = directory / "serve.env"
    console = Console(highlight=False, soft_wrap=True)
    # Before anything is touched: what is there may belong to a `make serve` that runs.
    for port in (asked.aws_port, asked.kubernetes_port):
        if is_taken(port):
            console.print(f"Port {port} of 127.0.0.1 is taken: stop what listens there (another `make serve`?) first.")
            return 1
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    shutil.rmtree(directory / "serve", ignore_errors=True)
    env_file.unlink(missing_ok=True)
    console.print(f"Starting the embedded cloud (time scale {asked.scale:g}, {asked.kubernetes} Kubernetes)…")
    with EmbeddedCloud(
        directory / "serve",
        scale=asked.scale,
        kubernetes=asked.kubernetes,
        aws_port=asked.aws_port,
        kubernetes_port=asked.kubernetes_port,
    ) as cloud:
        write_exports(env_file, exports(cloud, cloud.deploy(), directory / "kubeconfig"))
        console.print(f"AWS answers at {cloud.endpoint}; the app is deployed. Ctrl-C stops everything.\n")
        console.print(usage(cloud.administrator_arn, _shown(env_file)), markup=False)
        schedules = PassingTime(cloud)
        schedules.start()
        # Not one endless wait: a signal that another thread receives does not end the main thread's.
        while not stop.wait(0.5):
            pass
        schedules.stop()
        console.print("\nStopping…")
        env_file.unlink(missing_ok=True)
    return 0


def _shown(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


if __name__ == "__main__":
    sys.exit(main())
