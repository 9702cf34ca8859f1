"""What a person reads and what a program reads: tables on the screen, or one JSON document on standard output."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rich.console import Console


@dataclass(frozen=True)
class Screen:
    """With `is_json`, progress is for the terminal only, on standard error, and nothing else is said there."""

    is_json: bool

    @cached_property
    def console(self) -> Console:
        return Console(highlight=False)

    @cached_property
    def progress(self) -> Console:
        return Console(highlight=False, stderr=True) if self.is_json else self.console

    @property
    def watches(self) -> bool:
        """Whether anybody looks at progress."""
        return not self.is_json or self.progress.is_terminal

    def result(self, data: Any, show: Callable[[Console], None]) -> None:
        if self.is_json:
            print(json.dumps(data, indent=2))
        else:
            show(self.console)
