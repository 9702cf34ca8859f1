"""Names that a shell completes."""

import contextlib
from typing import Any

from eks_efs import records
from eks_efs.stack import DEFAULT_NAME, Stack


def clusters(context: Any, _parameter: Any, begun: str) -> list[str]:
    """The recorded ones; none when the stack cannot be asked, which is no moment for an error."""
    given = context.params
    stack = Stack(given.get("stack_name") or DEFAULT_NAME, given.get("profile"), given.get("region"))
    with contextlib.suppress(Exception):
        return [record.cluster for record in records.every(stack) if record.cluster.startswith(begun)]
    return []
