"""What scripts/measure.sh printed: "took <what> <before> <after> <what dd said>", a line for each call."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from provisioner.kubernetes.evidence import Measured

_TOOK: Final = re.compile(
    r"(?P<what>small_write|small_read|sequential_write|sequential_read) (?P<before>\S+) (?P<after>\S+) (?P<said>.*)"
)
# busybox: "4096 bytes (4.0KB) copied, 0.002713 seconds, 1.4MB/s"; GNU coreutils: "… copied, 3.4662e-05 s, 118 MB/s".
_SAID: Final = re.compile(r"copied, (?P<seconds>\d{1,5}(?:\.\d{1,12})?(?:e-\d\d)?) (?P<unit>seconds|s),", re.ASCII)
_EPOCH: Final = re.compile(r"\d{1,11}\.\d{6}", re.ASCII)


def measured(printed: Sequence[str]) -> Measured | None:
    """One number for each call, all by the clock of the first; None where nothing could be measured.

    Source: busybox, coreutils/dd.c, FEATURE_DD_THIRD_STATUS_LINE, and shell/ash.c, EPOCHREALTIME, both of which are
    built by default; GNU coreutils, src/dd.c, print_xfer_stats.
    """
    clocks: list[str] = []
    found: dict[str, list[int]] = {}
    for match in filter(None, map(_TOOK.fullmatch, printed)):
        clock, seconds = _told(match)
        # The shell's clock is set now and then: what seems to have ended before it began was not measured.
        if seconds is not None and seconds >= 0:
            clocks.append(clock)
            if clock == clocks[0]:
                found.setdefault(match["what"], []).append(round(seconds * 1_000_000))
    values: dict[str, Any] = {"clock": clocks[0], **found} if clocks else {}
    return Measured(**values) if values else None


def _told(match: re.Match[str]) -> tuple[str, Decimal | None]:
    """dd's own word first: it does not count the start of dd."""
    said = _SAID.search(match["said"])
    if said and said["unit"] == "seconds":
        return "dd", Decimal(said["seconds"])
    if _EPOCH.fullmatch(match["before"]) and _EPOCH.fullmatch(match["after"]):
        return "shell", Decimal(match["after"]) - Decimal(match["before"])
    return "dd-once-open", Decimal(said["seconds"]) if said else None
