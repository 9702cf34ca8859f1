"""Which resource types CloudFormation knows in which region, as its registry publishes them and cfn-lint ships them.

The registries of the isolated and sovereign partitions are not public: cfn-lint gives their regions the list of
us-east-1, to the letter, which says nothing of them. Source: cfn-lint, data/schemas/providers.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

_WHERE_ALL_IS: Final = "us-east-1"


def published_regions() -> list[str]:
    """Regions whose list of types is published."""
    names = sorted(path.stem for path in _folder().glob("*-*.json"))
    return [name for name in names if types_in(name) is not None]


@cache
def types_in(region: str) -> frozenset[str] | None:
    """Names like AWS::EFS::FileSystem; None where no list is published."""
    path = _folder() / f"{region}.json"
    if not path.is_file():
        return None
    schemas = _schemas(region)
    return None if region != _WHERE_ALL_IS and schemas == _schemas(_WHERE_ALL_IS) else frozenset(schemas)


@cache
def _schemas(region: str) -> Mapping[str, str]:
    """Type -> which of its schemas the region has."""
    schemas: dict[str, str] = json.loads((_folder() / f"{region}.json").read_text())
    return schemas


@cache
def _folder() -> Path:
    """Without importing cfn-lint, which takes half a second."""
    spec = find_spec("cfnlint")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("cfn-lint, of requirements.txt, has the lists of resource types")
    return Path(spec.origin).parent / "data" / "schemas" / "providers"
