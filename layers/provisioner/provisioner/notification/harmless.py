"""What others wrote, fit for a mail and for a chat: read there, and nothing more.

Error messages, events of pods and names can hold whatever somebody wanted: a link, a mention of everybody, an escape
sequence, text that runs from right to left. Sources: Slack, "Formatting text for app surfaces" (`<…>` is a link or a
mention); CommonMark, "Code spans" (between backquotes nothing is anything).
"""

import re
import unicodedata
from typing import Final

from provisioner.verbatim import repeated

_MENTION: Final = re.compile(r"(?<![\w.])@(?=\w)")
_LINKS: Final = ((re.compile("://"), ": //"), (re.compile(r"\b(www)\.", re.IGNORECASE), r"\1 ."), (_MENTION, "(at)"))
_REPLACED: Final = str.maketrans({"<": "‹", ">": "›", "`": "'"})
# A dot stands between the numbers of a version; anywhere else it would make a domain, and mail programs a link of that.
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9._-]|\.(?![0-9])")
_NOT_IN_WORDS: Final = re.compile(r"[^A-Za-z0-9_ -]")
_CUT: Final = " ... "


def said(text: object, characters: int = 1000) -> str:
    """One line of `text`, without credentials, control characters, links and mentions; cut in its middle."""
    seen = "".join(" " if _is_unseen(each) else each for each in str(text))
    plain = repeated(" ".join(seen.split()), characters).translate(_REPLACED)
    for pattern, harmless in _LINKS:
        plain = pattern.sub(harmless, plain)
    return plain.replace("](", "] (")


def name(text: object, characters: int = 100) -> str:
    """A name of AWS's or Kubernetes's, in ASCII; what such a name cannot hold is a question mark."""
    return _cut(_NOT_IN_NAMES.sub("?", str(text)), characters)


def words(text: object, characters: int = 100) -> str:
    """As `name`, of several words: the state of a machine."""
    return _cut(_NOT_IN_WORDS.sub("?", str(text)), characters)


def _cut(plain: str, characters: int) -> str:
    """In ASCII, as a mail's subject has nothing else."""
    if len(plain) <= characters:
        return plain
    end = (characters - len(_CUT)) // 2
    return plain[: characters - len(_CUT) - end] + _CUT + plain[-end:]


def _is_unseen(character: str) -> bool:
    """Control, format, surrogate, private and unassigned characters, and every kind of space and line end."""
    return unicodedata.category(character)[0] in "CZ"
