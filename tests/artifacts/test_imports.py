"""Every handler imports from its own folder and the built layers, and the SDK's data in them are what they were."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from layers.recipe.sources import FUNCTIONS, PROVISIONER, aws_services
from provisioner.regions import partition_of, supported_regions
from tests.artifacts import built

ALONE = Path(__file__).with_name("alone.py")

Look = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def look(interpreter: Path, host_layers: dict[str, Path]) -> Look:
    """What alone.py sees with the layers on its path, and the other folders before them."""

    def see(what: str, *folders: Path) -> dict[str, Any]:
        path = (*folders, *(layer / "python" for layer in host_layers.values()))
        seen: dict[str, Any] = json.loads(said(interpreter, "-B", ALONE, what, *path))
        return seen

    return see


@pytest.fixture(scope="module")
def standard_library(interpreter: Path) -> str:
    return said(interpreter, "-c", "import sysconfig; print(sysconfig.get_path('stdlib'))")


def said(interpreter: Path, *arguments: str | Path) -> str:
    """What a Python without site-packages, environment or current folder prints."""
    command = [str(interpreter), "-I", "-S", *map(str, arguments)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout.strip()


@pytest.mark.parametrize("function", sorted(built.functions()))
def test_a_handler_imports_from_its_folder_the_layers_and_the_standard_library(
    function: str, look: Look, host_layers: dict[str, Path], standard_library: str
) -> None:
    folder = built.functions()[function]
    seen = look("handler", folder)
    assert seen["callable"]
    ours = (str(ALONE), str(folder), *map(str, host_layers.values()))
    for file in seen["files"]:
        assert file.startswith(ours) or (file.startswith(standard_library) and "site-packages" not in file), file


def test_the_sdk_has_the_operations_endpoints_and_regions_of_the_whole_one(look: Look) -> None:
    seen = look("sdk")
    session = botocore.session.get_session()
    whole = {name: session.create_client(name, "eu-west-1") for name in aws_services(FUNCTIONS, PROVISIONER)}
    assert seen["endpoints"] == {name: client.meta.endpoint_url for name, client in whole.items()}
    assert seen["operations"] == {name: sorted(client.meta.method_to_api_mapping) for name, client in whole.items()}
    assert seen["regions"] == {region: partition_of(region) for region in supported_regions()}
