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
    names = sorted(path.stem for path in (registry_folder() / "providers").glob("*-*.json"))
    return [name for name in names if types_in(name) is not None]


@cache
def types_in(region: str) -> frozenset[str] | None:
    """Names like AWS::EFS::FileSystem; None where no list is published."""
    schemas = schemas_in(region)
    if not schemas or (region != _WHERE_ALL_IS and schemas == schemas_in(_WHERE_ALL_IS)):
        return None
    return frozenset(schemas)


@cache
def schemas_in(region: str) -> Mapping[str, str]:
    """Type -> which of its schemas the region has; empty of a region that is not known."""
    path = registry_folder() / "providers" / f"{region}.json"
    schemas: dict[str, str] = json.loads(path.read_text()) if path.is_file() else {}
    return schemas


@cache
def registry_folder() -> Path:
    """Without importing cfn-lint, which takes half a second."""
    spec = find_spec("cfnlint")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("cfn-lint, of requirements.txt, has the lists of resource types")
    return Path(spec.origin).parent / "data" / "schemas"
