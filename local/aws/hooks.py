"""Acting at an API call: what others want done before a call of the embedded AWS, or after it succeeded."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Call:
    """One API call: `service:Action`, where it went, what it said, and by whose key it was signed."""

    name: str
    account_id: str
    region: str
    path: str
    body: str
    access_key_id: str = ""


Action = Callable[[Call], None]
Undo = Callable[[], None]


class Hooks:
    """Actions by the name of the call, which may have wildcards (`eks:*`)."""

    def __init__(self) -> None:
        self._before: list[tuple[str, Action]] = []
        self._after: list[tuple[str, Action]] = []
        self._lock = threading.Lock()

    def before(self, name: str, action: Action) -> Undo:
        """From now on, and until the returned function is called. May raise a Refusal: AWS then answers so."""
        return self._add(self._before, (name, action))

    def after(self, name: str, action: Action) -> Undo:
        """As `before`, once a call has succeeded and before its caller hears of it."""
        return self._add(self._after, (name, action))

    def run_before(self, call: Call) -> None:
        _run(self._before, call)

    def run_after(self, call: Call) -> None:
        _run(self._after, call)

    def __bool__(self) -> bool:
        return bool(self._before or self._after)

    def _add(self, hooks: list[tuple[str, Action]], hook: tuple[str, Action]) -> Undo:
        with self._lock:
            hooks.append(hook)

        def undo() -> None:
            with self._lock:
                if hook in hooks:
                    hooks.remove(hook)

        return undo


def _run(hooks: list[tuple[str, Action]], call: Call) -> None:
    for pattern, action in list(hooks):
        if fnmatchcase(call.name, pattern):
            action(call)
