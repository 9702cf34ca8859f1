import sys
from pathlib import Path

import pytest

from layers.recipe import interpreter
from layers.recipe.interpreter import RUNTIME_VERSION, best_interpreter, find_interpreter
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


def test_pyenvs_own_folder_is_looked_through_where_no_shim_is_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "versions/9.9.4/bin"
    folder.mkdir(parents=True)
    kept = program(folder, f"echo {folder}/python9.9")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    assert find_interpreter((9, 9)) == kept


def test_what_lambda_runs_is_preferred_to_this_and_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = Path("/opt/python/bin/python3.13")
    monkeypatch.setattr(interpreter, "find_interpreter", {RUNTIME_VERSION: runtime}.get)
    assert best_interpreter() == runtime
    monkeypatch.setattr(interpreter, "find_interpreter", lambda _version: None)
    assert best_interpreter() == Path(sys.executable)
    monkeypatch.setattr(interpreter, "OLDEST_VERSION", (9, 9))
    assert best_interpreter() is None


def test_an_environment_that_another_python_made_is_named_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = program(tmp_path, "echo 9 9")
    assert interpreter.main(["--check", str(asked)]) == 0
    this = ".".join(map(str, sys.version_info[:2]))
    assert capsys.readouterr().out.endswith(
        f" was made with Python {this} and is kept; after `make clean` it is made with 9.9\n"
    )
    assert interpreter.main(["--check", str(tmp_path / "none")]) == 0
    assert "none is no Python that runs here; " in capsys.readouterr().out
    monkeypatch.setattr(interpreter, "find_interpreter", lambda _version: None)
    assert interpreter.main(["--check"]) == 0
    assert interpreter.main(["--check", sys.executable]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("script", ["exit 127", None], ids=["a shim for nothing", "not there"])
def test_there_may_be_none(script: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if script:
        program(tmp_path, script)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert find_interpreter((9, 9)) is None
