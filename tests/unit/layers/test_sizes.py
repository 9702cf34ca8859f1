from pathlib import Path

import pytest
from rich.console import Console

from tests.artifacts import built, sizes
from tests.artifacts.sizes import Size, size_of, table, too_large

LIMIT = {"Layer": Size(60, 16)}


@pytest.mark.parametrize(("size", "wrong"), [(Size(60, 16), []), (Size(61, 16), ["Layer"]), (Size(60, 17), ["Layer"])])
def test_one_byte_too_many_is_too_large_unzipped_or_zipped(size: Size, wrong: list[str]) -> None:
    assert too_large({"Layer": size}, LIMIT) == wrong


def test_everything_in_the_folder_counts_byte_code_too(tmp_path: Path) -> None:
    cached = tmp_path / "python" / "__pycache__" / "module.cpython-313.pyc"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(bytes(range(256)) * 4)
    size = size_of(tmp_path)
    assert size.unzipped == 1024
    assert 256 < size.zipped < 1024


def test_the_table_shows_sizes_and_limits(capsys: pytest.CaptureFixture[str]) -> None:
    Console(width=80).print(table({"Layer": Size(59_000_000, 1_500_000)}, {"Layer": Size(60_000_000, 16_000_000)}))
    assert "59.0 MB" in (shown := capsys.readouterr().out)
    assert "16.0 MB" in shown


def test_a_layer_that_is_too_large_fails_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "large").write_bytes(bytes(4_000_001))
    monkeypatch.setattr(built, "layers", lambda: {"ProvisionerLayer": tmp_path})
    monkeypatch.setattr(built, "functions", dict)
    assert sizes.main() == 1
    assert "ProvisionerLayer is larger than it may be" in capsys.readouterr().err
