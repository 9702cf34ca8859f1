"""Makes openapi.json, the embedded API's knowledge of every kind's shape, from what a real kube-apiserver publishes.

`python -m local.kubernetes.embedded.make_openapi` starts the real control plane (built by `make control-plane`), reads
its /openapi/v2 and keeps the kinds we serve and what they refer to, without descriptions.
"""

import json
import re
from pathlib import Path
from typing import Any

import urllib3

from local.control_plane.build import find_assets
from local.kubernetes.certificates import client_context
from local.kubernetes.embedded.resources import ACCESS_REVIEWS, STORED
from local.kubernetes.interfaces import ControlPlane
from local.kubernetes.real import RealControlPlanes

Definitions = dict[str, Any]
OPENAPI_FILE = Path(__file__).with_name("openapi.json")
# Bodies of requests that are no kind of their own.
_BODIES = (
    "io.k8s.api.autoscaling.v1.Scale",
    "io.k8s.api.core.v1.Binding",
    "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions",
)
_REFERENCE = re.compile(r'"#/definitions/([^"]+)"')


def published(control_plane: ControlPlane) -> Definitions:
    """The definitions in a control plane's /openapi/v2."""
    pool = urllib3.PoolManager(ssl_context=client_context(control_plane.ca_pem))
    headers = {"Accept": "application/json", "Authorization": f"Bearer {control_plane.admin_token}"}
    document = json.loads(pool.request("GET", f"{control_plane.url}/openapi/v2", headers=headers).data)
    definitions: Definitions = document["definitions"]
    return definitions


def reduced(definitions: Definitions) -> Definitions:
    """The kinds in resources.py and what they refer to, without descriptions."""
    waiting = [*(resource.schema.definition for resource in (*STORED, ACCESS_REVIEWS)), *_BODIES]
    kept: Definitions = {}
    while waiting:
        name = waiting.pop()
        if name not in kept:
            kept[name] = _undescribed(definitions[name])
            waiting += _REFERENCE.findall(json.dumps(kept[name]))
    return dict(sorted(kept.items()))


def _undescribed(node: Any) -> Any:
    if isinstance(node, list):
        return [_undescribed(one) for one in node]
    if not isinstance(node, dict):
        return node
    # A property may be named so too; its value is a schema, no text.
    described = {name for name in ("description",) if isinstance(node.get(name), str)}
    return {name: _undescribed(value) for name, value in node.items() if name not in described}


def rendered(definitions: Definitions) -> str:
    """One definition a line, so that a diff shows which kinds changed."""
    lines = [f"{json.dumps(name)}: {_compact(shape)}" for name, shape in definitions.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def _nobody(_token: str) -> None:
    """The administrator's token is enough here."""


def main() -> None:
    """Raises SystemExit where the real control plane has not been built."""
    assets = find_assets()
    if assets is None:
        raise SystemExit("no real control plane here: `make control-plane` builds it")
    control_plane = RealControlPlanes(assets).start("openapi", _nobody)
    try:
        OPENAPI_FILE.write_text(rendered(reduced(published(control_plane))))
    finally:
        control_plane.stop()


if __name__ == "__main__":
    main()
