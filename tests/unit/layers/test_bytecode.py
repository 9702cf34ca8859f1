import marshal
import struct
import sys
from pathlib import Path

import pytest

from layers.recipe.bytecode import compile_layer

HEADER_BYTES = 16
"""Magic number, flags, hash of the source. Source: PEP 552."""


@pytest.fixture
def compiled(tmp_path: Path) -> bytes:
    source = tmp_path / "python" / "package" / "module.py"
    source.parent.mkdir(parents=True)
    source.write_text("def answer():\n    return 42\n")
    compile_layer(tmp_path, Path(sys.executable))
    (found,) = tmp_path.rglob("*.pyc")
    return found.read_bytes()


def test_byte_code_is_valid_whatever_time_the_source_gets_when_it_is_packed(compiled: bytes) -> None:
    assert struct.unpack_from("<I", compiled, 4) == (0b01,)


def test_tracebacks_name_files_as_lambda_has_them(compiled: bytes) -> None:
    assert marshal.loads(compiled[HEADER_BYTES:]).co_filename == "/opt/python/package/module.py"  # noqa: S302
