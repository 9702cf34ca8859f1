"""The page as HTML: one file, everything in it, every value escaped."""

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from provisioner.report.model import Report

_TEMPLATES: Final = Path(__file__).parent / "templates"


def render(report: Report) -> str:
    return _environment().get_template("report.html.j2").render(report=report) + "\n"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"duration": duration, "utc": utc, "clock": clock}
    return environment


def duration(seconds: float) -> str:
    """1.3 s, 42 s, 12 min 5 s, 1 h 3 min."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def clock(seconds: float) -> str:
    """A place on the time axis: +0:05, +12:30, +1:02:30."""
    minutes, rest = divmod(round(seconds, 1), 60)
    hours, minutes = divmod(int(minutes), 60)
    shown = f"{int(rest):02d}" if rest == int(rest) else f"{rest:04.1f}"
    return f"+{hours}:{minutes:02d}:{shown}" if hours else f"+{minutes}:{shown}"


def utc(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
