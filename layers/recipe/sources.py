"""Where our code is, and which AWS services it speaks to."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
FUNCTIONS: Final = ROOT / "functions"
PROVISIONER: Final = ROOT / "layers" / "provisioner" / "provisioner"


class UnknownServiceError(Exception):
    """A client is made of a service that cannot be read off the code."""


def aws_services(*folders: Path) -> frozenset[str]:
    """The services that clients are made of: `client("eks")` anywhere in the folders' Python files.

    Raises: UnknownServiceError when the name is not a literal, for its API model would be missing in the layer. A
    function that is itself called `client` may pass its argument on: whoever calls it names the service.
    """
    return frozenset(
        service for folder in folders for path in sorted(folder.rglob("*.py")) for service in _services_in(path)
    )


def _services_in(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(), path)
    passed_on = {
        call
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and function.name == "client"
        for call in ast.walk(function)
    }
    for call in ast.walk(tree):
        match call:
            case ast.Call(
                func=ast.Attribute(attr="client" | "create_client"), args=[ast.Constant(value=str(service)), *_]
            ):
                yield service
            case ast.Call(func=ast.Attribute(attr="client" | "create_client" | "resource")) if call not in passed_on:
                raise UnknownServiceError(f"{path}, line {call.lineno}: {ast.unparse(call)}")
