"""A property that is computed once per object, its failure included."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")


class once(Generic[Value]):  # noqa: N801 - reads as `@property` does
    def __init__(self, read: Callable[[Any], Value]) -> None:
        self._read = read
        self.__doc__ = read.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = f"_once_{name}"

    def __get__(self, instance: Any, owner: type | None = None) -> Value:
        answers: dict[str, tuple[bool, Any]] = instance.__dict__
        if self._name not in answers:
            try:
                answers[self._name] = (True, self._read(instance))
            except Exception as error:
                answers[self._name] = (False, error)
        succeeded, answer = answers[self._name]
        if not succeeded:
            raise answer
        value: Value = answer
        return value
