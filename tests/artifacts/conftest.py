"""The layers a second time, for this host: nobody here can import arm64 binaries."""

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from layers import recipe
from layers.recipe.bytecode import compile_layer
from layers.recipe.dependencies import REQUIREMENTS, build_dependencies
from layers.recipe.interpreter import RUNTIME_VERSION, find_interpreter
from layers.recipe.sources import FUNCTIONS, PROVISIONER, ROOT, aws_services
from local.aws.lambda_environment import Interpreter
from local.cloud import EmbeddedCloud
from tests.artifacts import built
from tests.end_to_end.runs import Machine

CACHE = ROOT / ".local" / "layers"


@pytest.fixture(scope="session")
def interpreter() -> Path:
    """Of the runtime's version where there is one: the functions then run on what Lambda gives them."""
    return find_interpreter(RUNTIME_VERSION) or Path(sys.executable)


@pytest.fixture(scope="session")
def host_dependencies(interpreter: Path) -> Path:
    """The dependency layer for `interpreter`, by the recipe of the real one; kept until what makes it changes."""
    folder = CACHE / _what_it_is_made_of(interpreter)
    if not folder.is_dir():
        shutil.rmtree(CACHE, ignore_errors=True)
        CACHE.mkdir(parents=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as directory:
            partial = Path(directory) / "layer"
            build_dependencies(partial, interpreter)
            compile_layer(partial, interpreter)
            partial.rename(folder)
    return folder


def _what_it_is_made_of(interpreter: Path) -> str:
    recipes = sorted(Path(recipe.__file__).parent.glob("*.py"))
    parts = [REQUIREMENTS.read_bytes(), *(path.read_bytes() for path in recipes)]
    parts += [str(interpreter).encode(), *sorted(service.encode() for service in aws_services(FUNCTIONS, PROVISIONER))]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:32]


@pytest.fixture(scope="session")
def host_layers(host_dependencies: Path) -> dict[str, Path]:
    """The built layers; the one with binaries in it is this host's."""
    return {**built.layers(), built.DEPENDENCIES: host_dependencies}


@pytest.fixture(scope="session")
def machine(
    interpreter: Path, host_layers: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machine]:
    """The provision machine of the built template; its functions find their layers and the standard library alone."""
    template = built.TEMPLATE.with_name("template-for-this-host.yaml")
    text = built.TEMPLATE.read_text()
    for name, folder in host_layers.items():
        assert text.count(f"ContentUri: {name}\n") == 1
        text = text.replace(f"ContentUri: {name}\n", f"ContentUri: {folder}\n")
    template.write_text(text)
    cloud = EmbeddedCloud(tmp_path_factory.mktemp("cloud"))
    cloud.server.interpreter = Interpreter((str(interpreter), "-I", "-S"), preloaded=())
    with cloud:
        yield Machine(cloud, cloud.deploy(template))
