"""`python -I -S alone.py handler|sdk FOLDER…`: what there is with the standard library and these folders, and no more.

Prints as JSON what the tests compare: the files that an import of the handler loaded, or what the SDK's data say.
"""

import json
import os
import sys
from typing import Any


def handler() -> dict[str, Any]:
    import app  # type: ignore[import-not-found]  # whichever is on the path

    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    return {"callable": callable(app.lambda_handler), "files": sorted(filter(None, files))}


def sdk() -> dict[str, Any]:
    os.environ |= {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    import botocore.session

    from provisioner.regions import partition_of, supported_regions

    session = botocore.session.get_session()
    clients = {name: session.create_client(name) for name in session.get_available_services()}
    return {
        "endpoints": {name: client.meta.endpoint_url for name, client in clients.items()},
        "operations": {name: sorted(client.meta.method_to_api_mapping) for name, client in clients.items()},
        "regions": {region: partition_of(region) for region in sorted(supported_regions())},
    }


if __name__ == "__main__":
    sys.path[:0] = sys.argv[2:]
    print(json.dumps({"handler": handler, "sdk": sdk}[sys.argv[1]]()))
