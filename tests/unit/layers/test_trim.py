from pathlib import Path

import pytest

from layers.recipe.trim import UNUSED, NothingMatchesError, trim

MODELS = ("eks/2017-11-01", "ec2/2015-03-01", "ec2/2016-11-15", "rds/2014-10-31")
KEPT = (
    "kubernetes/client/models/__init__.py",
    "kubernetes/dynamic/client.py",
    "boto3-1.dist-info/METADATA",
    "botocore/data/endpoints.json",
    "botocore/data/eks/2017-11-01/service-2.json.gz",
    "botocore/data/ec2/2016-11-15/service-2.json.gz",
)


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """A file for each pattern, and some that are to stay."""
    unused = [pattern.replace("**", "some").replace("[!_]*", "v1_pod").replace("*", "x") for pattern in UNUSED]
    models = [f"botocore/data/{model}/{file}" for model in MODELS for file in ("service-2.json.gz", "examples-1.json")]
    for name in (*unused, *models, *KEPT, "boto3-1.dist-info/RECORD", "boto3-1.dist-info/licenses/LICENSE"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def test_what_nothing_imports_goes_and_the_rest_stays(packages: Path) -> None:
    trim(packages, {"eks", "ec2"})
    assert {path.relative_to(packages).as_posix() for path in packages.rglob("*") if path.is_file()} == set(KEPT)
    assert all(any(path.iterdir()) for path in packages.rglob("*") if path.is_dir())


def test_a_pattern_that_matches_nothing_is_an_error_since_a_release_has_moved_things(packages: Path) -> None:
    (packages / "kubernetes/aio").unlink()
    with pytest.raises(NothingMatchesError, match="kubernetes/aio matches nothing"):
        trim(packages, {"eks"})


def test_a_service_that_botocore_does_not_know_is_an_error(packages: Path) -> None:
    with pytest.raises(NothingMatchesError, match="botocore has no model of efs"):
        trim(packages, {"eks", "efs"})
