"""What `sam build` left behind: a folder per layer and per function, named by the built template."""

from pathlib import Path

from layers.recipe.sources import ROOT
from tools.templates import load_template

TEMPLATE = ROOT / ".aws-sam" / "build" / "template.yaml"
DEPENDENCIES = "DependenciesLayer"
_CODE = {"AWS::Serverless::LayerVersion": "ContentUri", "AWS::Serverless::Function": "CodeUri"}


def layers() -> dict[str, Path]:
    return _folders("AWS::Serverless::LayerVersion")


def functions() -> dict[str, Path]:
    return _folders("AWS::Serverless::Function")


def _folders(resource_type: str) -> dict[str, Path]:
    """Logical id -> folder. Raises: FileNotFoundError before the first `make build`."""
    return {
        logical_id: (TEMPLATE.parent / resource["Properties"][_CODE[resource_type]]).resolve()
        for logical_id, resource in load_template(TEMPLATE)["Resources"].items()
        if resource["Type"] == resource_type
    }
