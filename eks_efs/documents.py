"""YAML and JSON files that people hand in."""

import sys
from pathlib import Path
from typing import Any, Final

import yaml
from yaml.constructor import ConstructorError

from eks_efs.endings import WrongInput

STANDARD_INPUT: Final = "-"


class _EachOnce(yaml.SafeLoader):
    """A name that is there twice is a mistake, of which YAML would silently take the later half."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for name in names:
            if names.count(name) > 1:
                raise ConstructorError(None, None, f"it says {name} twice", node.start_mark)
        return super().construct_mapping(node, deep)


def load(file: str | None) -> Any:
    """What a YAML or JSON file says, {} for none and for one that says nothing. Raises: WrongInput."""
    if file is None:
        return {}
    try:
        text = sys.stdin.read() if file == STANDARD_INPUT else Path(file).read_text()
        found = yaml.load(text, _EachOnce)  # noqa: S506 (it is a SafeLoader)
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as problem:
        said = " ".join(str(problem).split())
        why = problem.strerror if isinstance(problem, OSError) else f"neither YAML nor JSON: {said}"
        raise WrongInput(f"{file} cannot be used: {why}") from problem
    return {} if found is None else found
