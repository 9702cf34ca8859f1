"""The models' patterns: AWS compiles them in Java, and a value has to match from its first to its last character.

Source of the second half: `[^:*]*` refuses what has a colon (cisagov/crossfeed#374), `[a-zA-Z][-a-zA-Z0-9]*` a URL
(humanmade/cf-to-tf#5).
"""

from __future__ import annotations

import re
from functools import cache

import regex

PREDEFINED = {
    "d": "0-9",
    "D": r"\x00-/:-\U0010FFFF",
    "s": r"\t-\r ",
    "S": r"\x00-\x08\x0E-\x1F!-\U0010FFFF",
    "w": "0-9A-Z_a-z",
    "W": r"\x00-/:-@\[-\^`{-\U0010FFFF",
}
"""Java means ASCII by these, Python means Unicode. Source: java.util.regex.Pattern, "Predefined character classes"."""

POSIX = {"ASCII": r"\x00-\x7F", "Print": r"\x20-\x7E"}
"""Source: java.util.regex.Pattern, "POSIX character classes (US-ASCII only)"; those that the models use."""

ANY = r"[^\n\r\x85\u2028\u2029]"
CATEGORY = re.compile(r"[CLMNPSZ][a-z]?")
TOKEN = re.compile(
    r"(?P<pair>\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|\\p\{(?P<property>\w+)\}"
    r"|\\(?P<predefined>[dDsSwW])"
    r"|(?P<plain>\\[^pPQEGhHvVRXzZ])"
    r"|(?P<begin>\[\^?)|(?P<end>\])|(?P<any>\.)|(?P<union>&&)"
    r"|(?P<other>[^\\])",
    re.DOTALL,
)


class NotTranslatedError(ValueError):
    """A pattern says something for which this module has no equal in Python."""


@cache
def compiled(pattern: str) -> regex.Pattern[str]:
    """For `fullmatch`. Raises: NotTranslatedError."""
    try:
        return regex.compile(translated(pattern), regex.V0)
    except regex.error as error:
        raise NotTranslatedError(f"{pattern!r}: {error}") from error


def is_matched(pattern: str, value: str) -> bool:
    """From the first to the last character. Raises: NotTranslatedError."""
    # Short as they are, letting other threads run meanwhile takes longer than looking.
    return compiled(pattern).fullmatch(value, concurrent=False) is not None


def translated(pattern: str) -> str:
    """The same in the syntax of Python's `regex`. Raises: NotTranslatedError."""
    written: list[str] = []
    in_class, position = False, 0
    while position < len(pattern):
        token = TOKEN.match(pattern, position)
        if token is None or (in_class and token["begin"]) or token["union"]:
            raise NotTranslatedError(f"{pattern!r} at {position}: {pattern[position : position + 10]!r}")
        position = token.end()
        if token["begin"] or token["end"]:
            in_class = bool(token["begin"])
            written.append(token[0])
        elif (characters := _characters(token, pattern)) is not None:
            written.append(characters if in_class else f"[{characters}]")
            if in_class and pattern.startswith("-", position):  # of a class there is no range: the hyphen is itself
                written.append(r"\-")
                position += 1
        elif token["any"] and not in_class:
            written.append(ANY)
        elif token["pair"]:
            written.append(_astral(token["pair"]))
        else:
            written.append(token[0])
    return "".join(written)


def _characters(token: re.Match[str], pattern: str) -> str | None:
    if name := token["predefined"]:
        return PREDEFINED[name]
    if name := token["property"]:
        if CATEGORY.fullmatch(name):
            return token[0]
        if name not in POSIX:
            raise NotTranslatedError(f"{pattern!r}: {token[0]}")
        return POSIX[name]
    return None


def _astral(pair: str) -> str:
    """Two escapes of UTF-16 surrogates, which Java reads as one character."""
    high, low = int(pair[2:6], 16), int(pair[8:12], 16)
    return f"\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08X}"
