"""Break one line of the code, and the run fails with the event that a real cluster gives: the cloud is not nicer."""

from pathlib import Path

import pytest

from local.cloud import EmbeddedCloud
from tests.end_to_end.mutants import Mutation, deploy_mutant

RESOURCES = "layers/provisioner/provisioner/resources"
KUBERNETES = "layers/provisioner/provisioner/kubernetes"

CLOSED_PORT = Mutation("closed-port", f"{RESOURCES}/security_group.py", "NFS_PORT = 2049", "NFS_PORT = 2050")
MISSING_MOUNT_TARGET = Mutation(
    "missing-mount-target",
    f"{RESOURCES}/mount_targets.py",
    "subnets = network.one_subnet_per_zone()",
    "subnets = dict(list(network.one_subnet_per_zone().items())[1:])",
)
WRONG_HANDLE = Mutation(
    "wrong-handle",
    f"{KUBERNETES}/storage_objects.py",
    "if access_point_id else file_system_id",
    'if access_point_id else f"efs:{file_system_id}"',
)


@pytest.mark.parametrize("cloud", ["embedded"], indirect=True, scope="session")
@pytest.mark.parametrize(
    ("mutation", "message"),
    [
        (CLOSED_PORT, "mount.nfs4: Connection timed out"),
        (MISSING_MOUNT_TARGET, "No matching mount target in the az"),
        (WRONG_HANDLE, "Expected a file system ID of the form"),
    ],
    ids=lambda value: value.name if isinstance(value, Mutation) else "",
)
def test_a_mistake_in_the_code_fails_the_run_with_the_kubelets_own_message(
    mutation: Mutation, message: str, cloud: EmbeddedCloud, tmp_path: Path
) -> None:
    machine = deploy_mutant(cloud, mutation, tmp_path)
    run = machine.run({"cluster": {"name": mutation.name}, "verification": {"timeout_seconds": 60}})
    assert (run.status, run.error) == ("FAILED", "TerminalError")
    assert "FailedMount" in run.cause
    assert message in run.cause
    assert "Verify storage" in run.cause
