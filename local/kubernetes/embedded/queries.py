"""Query parameters, read as kube-apiserver reads them, and the pages of a list.

Source: k8s.io/apimachinery/pkg/runtime/conversion.go; k8s.io/apiserver/pkg/storage/continue.go.
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from local.kubernetes.embedded.errors import bad_request

Query = Mapping[str, str]
_TOKEN_VERSION = "meta.k8s.io/v1"


def is_set(query: Query, name: str) -> bool:
    """Anything but a clear no is a yes."""
    return name in query and query[name].lower() not in ("false", "0")


def integer(query: Query, name: str) -> int | None:
    """None when it is not given. Raises ApiError 400."""
    text = query.get(name)
    if text is not None and not re.fullmatch(r"[+-]?\d+", text):
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return None if text is None else int(text)


@dataclass(frozen=True)
class Continuation:
    """Where the next page begins: after this namespace and name, in the world as it was at this version."""

    version: int
    after: tuple[str, str]

    @classmethod
    def of(cls, token: str) -> "Continuation | None":
        """None for no token. Raises ApiError 400."""
        if not token:
            return None
        try:
            read = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
            namespace, _, name = read["start"].rpartition("/")
            if read["v"] != _TOKEN_VERSION or not name:
                raise ValueError(read)
            return cls(int(read["rv"]), (namespace, name.removesuffix("\0")))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise bad_request("invalid continue token: continue key is not valid") from None

    @property
    def token(self) -> str:
        content = {"v": _TOKEN_VERSION, "rv": self.version, "start": "/".join(self.after) + "\0"}
        return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")
