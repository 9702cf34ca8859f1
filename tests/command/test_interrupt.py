"""Ctrl-C while an execution is watched."""

import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping

from local.cloud import ROOT, EmbeddedCloud
from tests.command.conftest import Command
from tests.end_to_end.runs import PATIENCE_SECONDS, held

PLAN = "provision --set cluster.name=interrupted --plan"
TO_GO = re.compile(r"(about \d+ (s|min) to go|should be over), by what the (one|\d) before took")


def test_a_run_says_how_long_the_one_before_took_and_an_interrupt_leaves_it_running_and_says_how_to_come_back(
    cloud: EmbeddedCloud, outputs: Mapping[str, str], shell: Mapping[str, str], command: Command
) -> None:
    assert command(f"eks-efs {PLAN}").code == 0
    with held(cloud, "PlanChanges") as go_on:
        process = subprocess.Popen(
            [sys.executable, "-m", "eks_efs", *shlex.split(PLAN)],
            env={**shell, "PYTHONPATH": f"{ROOT}:{ROOT / 'layers' / 'provisioner'}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout
        told = []
        for line in iter(process.stdout.readline, ""):
            told.append(line.rstrip())
            if line.startswith("done     Validate request"):
                break
        assert [line for line in told if TO_GO.fullmatch(line)]
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
