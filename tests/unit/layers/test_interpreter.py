import sys
from pathlib import Path

import pytest

from layers.recipe.interpreter import RUNTIME_VERSION, find_interpreter
from layers.recipe.sources import ROOT
from tools.templates import load_template


def test_the_recipe_builds_for_the_runtime_that_the_template_asks_for() -> None:
    template = load_template(ROOT / "template.yaml")
    runtime = "python" + ".".join(map(str, RUNTIME_VERSION))
    assert template["Globals"]["Function"]["Runtime"] == runtime
    layers = [r for r in template["Resources"].values() if r["Type"] == "AWS::Serverless::LayerVersion"]
    assert [layer["Properties"]["CompatibleRuntimes"] for layer in layers] == [[runtime]] * len(layers)


def test_this_interpreter_will_do_when_it_is_of_the_version() -> None:
    assert find_interpreter(sys.version_info[:2]) == Path(sys.executable)


def program(folder: Path, script: str) -> Path:
    path = folder / "python9.9"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_an_interpreter_on_the_path_is_asked_where_it_really_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "echo /opt/python/bin/python9.9")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert find_interpreter((9, 9)) == Path("/opt/python/bin/python9.9")


def test_a_shim_of_pyenv_is_told_which_version_it_is_to_stand_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, '[ "$PYENV_VERSION" = 9.9 ] || exit 127; echo /versions/9.9.1/bin/python9.9')
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert find_interpreter((9, 9)) == Path("/versions/9.9.1/bin/python9.9")


@pytest.mark.parametrize("script", ["exit 127", None], ids=["a shim for nothing", "not there"])
def test_there_may_be_none(script: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if script:
        program(tmp_path, script)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert find_interpreter((9, 9)) is None
