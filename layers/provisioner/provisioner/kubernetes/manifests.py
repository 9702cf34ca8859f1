"""The manifests that ship with the package, as templates: YAML is loaded, then values are put in their places.

Never text replaced in text: a name with a colon or a quote stays a name.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from provisioner.kubernetes.client import FIELD_MANAGER, Manifest
from provisioner.request import OWNER_TAG, Request

MANAGED_BY: Final = "app.kubernetes.io/managed-by"
_FOLDER: Final = Path(__file__).parent / "manifests"


def manifest(template: str, name: str, *, namespace: str | None = None, **fields: Any) -> Manifest:
    """The template of that file name, named and labelled ours; `fields` are merged into it, mappings deeply."""
    metadata: dict[str, Any] = {"name": name, "labels": {MANAGED_BY: FIELD_MANAGER}}
    if namespace is not None:
        metadata["namespace"] = namespace
    return merged(json.loads(_template(template)), {"metadata": metadata, **fields})


def owned_manifest(
    template: str, request: Request, name: str, *, namespace: str | None = None, **fields: Any
) -> Manifest:
    """`manifest` that also names the cluster it was made for.

    An annotation: a cluster name may be 100 characters long and end in a hyphen, a label's value may not.
    """
    owner = {"metadata": {"annotations": {OWNER_TAG: request.cluster.name}}}
    return merged(manifest(template, name, namespace=namespace, **fields), owner)


def is_ours(found: Manifest) -> bool:
    labels = found["metadata"].get("labels") or {}
    return labels.get(MANAGED_BY) == FIELD_MANAGER


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    both = {key: merged(base[key], over[key]) for key in base if isinstance(base[key], dict) and key in over}
    return {**base, **over, **both}


# As JSON: each caller gets objects of its own, at a fraction of what reading YAML again costs.
@cache
def _template(name: str) -> str:
    return json.dumps(yaml.safe_load((_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")))
