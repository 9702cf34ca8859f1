"""Ctrl-C while an execution is watched."""

import re
import signal
import subprocess
import sys
from collections.abc import Mapping

from local.cloud import ROOT, EmbeddedCloud
from tests.command.conftest import Command
from tests.end_to_end.runs import PATIENCE_SECONDS
from tests.end_to_end.test_reverify import held


def test_an_interrupt_leaves_the_execution_running_and_says_how_to_come_back(
    cloud: EmbeddedCloud, outputs: Mapping[str, str], shell: Mapping[str, str], command: Command
) -> None:
    with held(cloud, "PlanChanges") as go_on:
        process = subprocess.Popen(
            [sys.executable, "-m", "eks_efs", "provision", "--set", "cluster.name=interrupted", "--plan"],
            env={**shell, "PYTHONPATH": f"{ROOT}:{ROOT / 'layers' / 'provisioner'}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout
        assert any(line.startswith("done     Validate request") for line in iter(process.stdout.readline, ""))
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 130
        (name,) = re.findall(
            r"^eks-efs: interrupted; the execution goes on, and eks-efs watch (\S+) comes back to it$", said
        )
        described = cloud.client("stepfunctions").list_executions(
            stateMachineArn=outputs["ProvisionStateMachineArn"], statusFilter="RUNNING"
        )
        assert [each["name"] for each in described["executions"]] == [name]
        go_on.set()
        watched = command(f"eks-efs watch {name}")
    assert (watched.code, watched.stderr) == (0, "")
    assert "Planned: " in watched.stdout
