"""What a shell's completion asks the command, and what it is answered."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from eks_efs.command import main
from local.cloud import ROOT


def completed(shell: str, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """What the script of `eks-efs completion` is told when somebody presses Tab after these words."""
    incomplete = words.rsplit(" ", 1)[-1]
    monkeypatch.setenv("_EKS_EFS_COMPLETE", f"{shell}_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", incomplete if shell == "fish" else str(words.count(" ")))
    with pytest.raises(SystemExit):
        main([])
    return capsys.readouterr().out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("eks-efs chec", "check"),
        ("eks-efs check --beh", "--behaviour"),
        ("eks-efs explain security-group-cl", "security-group-closed"),
        ("eks-efs completion z", "zsh"),
    ],
)
def test_commands_options_and_rules_are_completed(
    shell: str, words: str, offered: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert offered in completed(shell, words, monkeypatch, capsys)


def test_bash_takes_the_script_and_completes_with_it(tmp_path: Path) -> None:
    program = tmp_path / "eks-efs"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m eks_efs "$@"\n')
    program.chmod(0o755)
    packages = f"{ROOT}:{ROOT / 'layers' / 'provisioner'}"
    press_tab = 'COMP_WORDS=(eks-efs chec); COMP_CWORD=1; _eks_efs_completion eks-efs; echo "${COMPREPLY[@]}"'
    ended = subprocess.run(
        ["bash", "-c", f'eval "$(eks-efs completion bash)"\n{press_tab}'],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": packages},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "check\n", "")
