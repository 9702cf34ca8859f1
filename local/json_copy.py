"""Copies of JSON data, many of which the embedded cloud makes."""

import copy
from typing import Any


def copied(value: Any) -> Any:
    """As copy.deepcopy, but for data without cycles a tenth of the work: it keeps no notes of what it has seen."""
    kind = type(value)
    if kind is dict:
        return {key: copied(item) for key, item in value.items()}
    if kind is list:
        return [copied(item) for item in value]
    if kind is str or kind is int or kind is bool or value is None or kind is float:
        return value
    return copy.deepcopy(value)
