"""The page as HTML: one file, everything in it, every value escaped."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from provisioner.report import sparkline
from provisioner.report.model import Report

if TYPE_CHECKING:
    from provisioner.report.state import Index

HTML: Final = "text/html; charset=utf-8"
_TEMPLATES: Final = Path(__file__).parent / "templates"


def render(report: Report) -> str:
    return _environment().get_template("report.html.j2").render(report=report) + "\n"


def render_index(index: "Index") -> str:
    """Its links are relative: they lead on from disk, from a bucket and from a distribution alike."""
    return _environment().get_template("index.html.j2").render(index=index, sparkline=sparkline) + "\n"


def render_fleet(detail: Mapping[str, Any], written_at: datetime, up: str) -> str:
    """`detail`: of the event that the fleet was checked. `up`: the way from the page to the bucket's root."""
    return _environment().get_template("fleet.html.j2").render(fleet=detail, written_at=written_at, up=up) + "\n"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"duration": duration, "utc": utc, "clock": clock, "day": day}
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


def day(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M")
