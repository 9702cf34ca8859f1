"""docs/parameters.md, from template.yaml and the templates of the other accounts: `python -m tools.parameters`."""

from typing import Any, Final

from tools.event_schemas import ROOT
from tools.templates import load_template

DOCUMENT: Final = ROOT / "docs" / "parameters.md"
TEMPLATES: Final = {
    "template.yaml": "The provisioner's own stack.",
    "accounts/target.yaml": "A stack per target account; the provisioner's makes the one of its own account.",
    "accounts/management.yaml": "In a management account that is not the provisioner's.",
}
_HEAD: Final = """\
# Parameters

Generated from the templates by `python -m tools.parameters`; a test keeps it current.
"""


def markdown() -> str:
    return "\n".join([_HEAD, *(_section(path, what) for path, what in TEMPLATES.items())])


def _section(path: str, what: str) -> str:
    parameters: dict[str, Any] = load_template(ROOT / path)["Parameters"]
    rows = "\n".join(_row(name, parameter) for name, parameter in parameters.items())
    return f"## {path}\n\n{what}\n\n| parameter | default | allowed | what it is |\n|---|---|---|---|\n{rows}\n"


def _row(name: str, parameter: dict[str, Any]) -> str:
    cells = (f"`{name}`", _default(parameter), _allowed(parameter), " ".join(parameter["Description"].split()))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _default(parameter: dict[str, Any]) -> str:
    if "Default" not in parameter:
        return "required"
    return f"`{parameter['Default']}`" if parameter["Default"] != "" else "empty"


def _allowed(parameter: dict[str, Any]) -> str:
    if "AllowedValues" in parameter:
        return ", ".join(f"`{value}`" for value in parameter["AllowedValues"])
    if "AllowedPattern" in parameter:
        return f"`{parameter['AllowedPattern']}`"
    bounds = [parameter.get("MinValue"), parameter.get("MaxValue")]
    match bounds:
        case [None, None]:
            return ""
        case [least, None]:
            return f"{least} or more"
        case [least, most]:
            return f"{least} to {most}"
    return ""


if __name__ == "__main__":
    DOCUMENT.write_text(markdown())
