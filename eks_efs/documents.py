"""YAML and JSON files that people hand in."""

import sys
from pathlib import Path
from typing import Any, Final

import yaml

from eks_efs.endings import WrongInput

STANDARD_INPUT: Final = "-"


def load(file: str | None) -> Any:
    """What a YAML or JSON file says, {} for none and for one that says nothing. Raises: WrongInput."""
    if file is None:
        return {}
    try:
        text = sys.stdin.read() if file == STANDARD_INPUT else Path(file).read_text()
        found = yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError) as problem:
        said = " ".join(str(problem).split())
        why = problem.strerror if isinstance(problem, OSError) else f"neither YAML nor JSON: {said}"
        raise WrongInput(f"{file} cannot be used: {why}") from problem
    return {} if found is None else found
