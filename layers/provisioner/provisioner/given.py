"""What somebody gave as input, fit to be told back: short, in one line, and without what may be a secret.

A refusal names a value so that its author finds it. It also goes into logs, events, pages and mails, which more people
read than may know a password that was put into the wrong place.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

_VALUE_CHARACTERS: Final = 80
_NAME_CHARACTERS: Final = 128  # a tag's key may have as many
_LOOKED_AT: Final = 1000
_DEPTH: Final = 5
_ITEMS: Final = 20

_TELLTALE: Final = (
    r"passw|passphrase|pwd|secret|token|credential|kubeconfig|authorization|bearer|cookie"
    r"|(?:api|access|private|signing|encryption|ssh)[_-]?key|\bauth\b|(?<=_)auth\b"
)
# An environment variable is {name, value}: what is in it, its neighbour says.
_SECRET_NAME: Final = re.compile(rf"{_TELLTALE}|^value$", re.IGNORECASE)
# What only refers to a secret, like cluster.secrets_key_arn.
_REFERENCE: Final = re.compile(r"(?:arn|id|name)s?$", re.IGNORECASE)
# Forms that AWS, Kubernetes, JWT (RFC 7519), PEM (RFC 7468), URLs (RFC 3986, userinfo) and code hosts document.
_SECRET_TEXT: Final = re.compile(
    r"-----BEGIN |\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\beyJ[\w-]+\.[\w-]+\.|\bk8s-aws-v1\.|//[^/\s:@]*:[^/\s@]+@"
    r"|\b(?:gh[opsu]_|github_pat_|glpat-|xox[abeprs]-)\w+|\b(?:bearer|basic)\s+\S"
    rf"|(?:{_TELLTALE})\w*[\"']?\s*[:=]",
    re.IGNORECASE,
)
# A secret access key of AWS: base64, in which there is no telling more than that it has everything.
_FORTY: Final = re.compile(r"(?<![A-Za-z0-9/+])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])")


class _Hidden:
    def __repr__(self) -> str:
        return "[not repeated: it may be a secret]"


HIDDEN: Final = _Hidden()


def shown(value: Any) -> str:
    """A value's repr, short enough for a message; whatever in it may be a secret is not in it."""
    text = repr(_fit(value, _DEPTH))
    return text if len(text) <= _VALUE_CHARACTERS else f"{text[: _VALUE_CHARACTERS - 1]}…"


def spoken(path: Sequence[str | int]) -> str:
    """`storage.volumes[2].claim`. A name that nobody knows may be anything: it is one line, and cut."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{_name(part)}" for part in path).removeprefix(".")


def names_a_secret(name: object) -> bool:
    return isinstance(name, str) and bool(_SECRET_NAME.search(name)) and not _REFERENCE.search(name)


def parsed(text: str) -> Any:
    """JSON as RFC 8259 has it, with each name once. Raises: ValueError, which says why and repeats no value."""
    try:
        return json.loads(text, object_pairs_hook=_each_once, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _fit(value: Any, depth: int) -> Any:
    """Only as much of it as can be shown: a whole input may be 256 KiB, and as deep."""
    if isinstance(value, str):
        return HIDDEN if _is_secret(value[:_LOOKED_AT]) else value[:_VALUE_CHARACTERS]
    if not isinstance(value, Mapping | list):
        return value
    if depth == 0:
        return ...
    if isinstance(value, list):
        return [_fit(item, depth - 1) for item in value[:_ITEMS]]
    some = list(value.items())[:_ITEMS]
    return {_fit(name, 1): HIDDEN if names_a_secret(name) else _fit(item, depth - 1) for name, item in some}


def _is_secret(text: str) -> bool:
    return bool(_SECRET_TEXT.search(text)) or any(
        re.search("[a-z]", found) and re.search("[A-Z]", found) and re.search("[0-9]", found)
        for found in _FORTY.findall(text)
    )


def _name(name: str) -> str:
    if _is_secret(name[:_LOOKED_AT]):
        return repr(HIDDEN)
    cut = name if len(name) <= _NAME_CHARACTERS else f"{name[: _NAME_CHARACTERS - 1]}…"
    return cut if cut.isprintable() and cut and " " not in cut else repr(cut)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"it says {spoken([name])} twice")
        found[name] = value
    return found


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")
