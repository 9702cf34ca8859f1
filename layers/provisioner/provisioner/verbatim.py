"""What others said, fit to be repeated: whole where it decides, and without what nobody may have.

AWS names what denies a call at the end of its message, and Kubernetes what a pod lacks: a text that is too long loses
its middle. A presigned URL is a credential: every URL loses its query.
"""

import re
from typing import Final

_QUERY: Final = re.compile(r"(\bhttps?://[^\s?\"'<>]+)\?[^\s\"'<>]*")
_CUT: Final = " […] "


def without_queries(text: str) -> str:
    return _QUERY.sub(r"\1?…", text)


def shortened(text: str, characters: int) -> str:
    """`text` without its middle where it is longer; of its end twice as much remains as of its beginning."""
    if len(text) <= characters:
        return text
    kept = characters - len(_CUT)
    return text[: kept // 3] + _CUT + text[len(text) - (kept - kept // 3) :]


def repeated(text: str, characters: int) -> str:
    return shortened(without_queries(text), characters)


def printable(text: str) -> str:
    """With what a terminal or a page could obey, or hide, as an escape; lines stay lines."""
    return "".join(
        character if character.isprintable() or character == "\n" else ascii(character)[1:-1] for character in text
    )
