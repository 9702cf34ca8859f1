"""The built layers are what Lambda on arm64 can load, and the host's twin, which the other tests run, is their like."""

import re
import struct
import subprocess
from pathlib import Path

from layers.recipe.interpreter import RUNTIME_VERSION, find_interpreter
from tests.artifacts import built

ELF_AARCH64 = 183
"""e_machine. Source: elf(5), EM_AARCH64."""
HASH_NEVER_CHECKED = 0b01
"""Source: PEP 552, the flags after the magic number."""
RUNTIME_TAG = f"cpython-{RUNTIME_VERSION[0]}{RUNTIME_VERSION[1]}"
BINARY_TAG = re.compile(r"\.(cpython-\d+-[\w-]+|abi3)\.so$")


def test_every_binary_is_for_the_runtimes_python_on_arm64() -> None:
    binaries = [path for layer in built.layers().values() for path in layer.rglob("*.so*")]
    assert {"_pydantic_core", "_yaml"} <= {path.name.split(".")[0] for path in binaries}
    tags = {f"{RUNTIME_TAG}-aarch64-linux-gnu", "abi3"}
    for path in binaries:
        header = path.read_bytes()[:20]
        assert (header[:4], struct.unpack_from("<H", header, 18)[0]) == (b"\x7fELF", ELF_AARCH64), path.name
        tag = BINARY_TAG.search(path.name)
        assert tag is not None, path.name
        assert tag[1] in tags, path.name


def test_the_layer_for_this_host_holds_the_same_files(host_dependencies: Path) -> None:
    assert _files(host_dependencies) == _files(built.layers()[built.DEPENDENCIES])


def _files(layer: Path) -> set[str]:
    """Byte code aside: on a host with another Python it is another version's, or missing."""
    return {
        BINARY_TAG.sub(".so", path.relative_to(layer).as_posix())
        for path in layer.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


def test_byte_code_is_the_runtimes_own_whole_and_never_checked_against_a_time() -> None:
    """Without a Python of the runtime's version there must be none at all."""
    interpreter = find_interpreter(RUNTIME_VERSION)
    expected = b"" if interpreter is None else _magic_number(interpreter) + struct.pack("<I", HASH_NEVER_CHECKED)
    for layer in built.layers().values():
        for source in layer.rglob("*.py"):
            compiled = source.parent / "__pycache__" / f"{source.stem}.{RUNTIME_TAG}.pyc"
            assert (compiled.read_bytes()[:8] if compiled.exists() else b"") == expected, source
        assert {path.suffixes[-2] for path in layer.rglob("*.pyc")} <= {f".{RUNTIME_TAG}"}


def _magic_number(interpreter: Path) -> bytes:
    command = [str(interpreter), "-I", "-c", "import importlib.util as u; print(u.MAGIC_NUMBER.hex())"]
    return bytes.fromhex(subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout)


def test_a_function_is_its_handler_and_nothing_else() -> None:
    for name, folder in built.functions().items():
        assert [path.name for path in folder.iterdir()] == ["app.py"], name
