"""What `pipx install .` installs: it is whole without the repository, and names all that it needs."""

import ast
import email
import json
import os
import re
import subprocess
import sys
from email.message import Message
from importlib.metadata import packages_distributions
from pathlib import Path
from zipfile import ZipFile

import pytest

from local.cloud import ROOT
from tools.templates import load_template

LOADED = """
import importlib, json, pkgutil, sys
import eks_efs, eks_efs.verbs, first_contact.__main__
for package in (eks_efs, eks_efs.verbs):
    for module in pkgutil.iter_modules(package.__path__):
        if module.name != "__main__":
            importlib.import_module(f"{package.__name__}.{module.name}")
print(json.dumps([module.__file__ for module in list(sys.modules.values()) if getattr(module, "__file__", None)]))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the wheel lies unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = folder.glob("*.whl")
    with ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.fixture(scope="module")
def metadata(installed: Path) -> Message:
    (found,) = installed.glob("*.dist-info/METADATA")
    return email.message_from_string(found.read_text())


def python(installed: Path, *arguments: str) -> str:
    """With the package instead of the repository; what it prints."""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    ended = subprocess.run(
        [sys.executable, *arguments], cwd=installed, env=environment, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout


def imported(module: Path) -> set[str]:
    """The packages that it imports anywhere but for types."""
    nodes = list(ast.walk(ast.parse(module.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names = plain | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.split(".")[0] for name in names if not name.startswith("mypy_boto3")}


def _name(requirement: str) -> str:
    (name,) = re.findall(r"^[\w.-]+", requirement)
    return re.sub(r"[-_.]+", "-", str(name)).lower()


def test_it_explains_a_rule_and_names_its_version_without_the_repository(installed: Path, metadata: Message) -> None:
    assert python(installed, "-m", "eks_efs", "--version").strip() == metadata["Version"]
    assert "tcp 2049" in python(installed, "-m", "eks_efs", "explain", "security-group-closed")
    assert python(installed, "-m", "eks_efs", "schema", "--sample").startswith("# What may be asked for")


def test_its_first_contact_has_the_very_files_of_the_repository(installed: Path) -> None:
    from first_contact import files

    packed = installed / "first_contact" / "repository"
    named = {path.relative_to(packed) for path in packed.rglob("*") if path.is_file()}
    assert {Path(path) for path in files.TEMPLATES} <= named
    assert {Path("statemachine", f"{name}.asl.yaml") for name in files.MACHINES} <= named
    for path in named:
        assert (packed / path).read_bytes() == (ROOT / path).read_bytes()


def test_every_library_that_it_imports_is_one_that_it_requires(installed: Path, metadata: Message) -> None:
    """botocore and pydantic_core come with boto3 and pydantic, of which they are parts in all but name."""
    loaded = [Path(file) for file in json.loads(python(installed, "-c", LOADED)) if file.startswith(str(installed))]
    distributions = packages_distributions()
    needed = {_name(each) for module in loaded for name in imported(module) for each in distributions.get(name, [])}
    required = {_name(requirement) for requirement in metadata.get_all("Requires-Dist", [])}
    assert needed - {"botocore", "pydantic-core"} == required


def test_the_application_repository_the_license_and_the_change_log_say_the_same(metadata: Message) -> None:
    published = load_template(ROOT / "template.yaml")["Metadata"]["AWS::ServerlessRepo::Application"]
    assert published["SemanticVersion"] == metadata["Version"]
    assert published["SpdxLicenseId"] == metadata["License-Expression"]
    assert "Apache License" in (ROOT / published["LicenseUrl"]).read_text()
    assert (ROOT / published["ReadmeUrl"]).is_file()
    latest, *_ = re.findall(r"^## (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert latest == published["SemanticVersion"]


def test_what_the_application_repository_is_told_is_what_it_takes() -> None:
    """Source: AWS SAM developer guide, template metadata section; API of the Serverless Application Repository."""
    published = load_template(ROOT / "template.yaml")["Metadata"]["AWS::ServerlessRepo::Application"]
    assert re.fullmatch(r"[a-zA-Z0-9-]{1,140}", published["Name"])
    assert 1 <= len(published["Description"]) <= 256
    assert len(published["Labels"]) <= 10
    assert all(re.fullmatch(r"[a-zA-Z0-9+-_:/@]{1,127}", label) for label in published["Labels"])
