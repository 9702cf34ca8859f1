"""moto lacks: dictionaries that may change while somebody goes over them.

Every request has a thread of its own, and pods and their networks have theirs: "dictionary changed size during
iteration" would end whoever was looking, where AWS just answers with what there was.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from moto.core.base_backend import BaseBackend

if TYPE_CHECKING:
    from local.aws.server import AwsServer


def install(_: AwsServer) -> None:
    BaseBackend.__setattr__ = _set_steady  # type: ignore[method-assign, assignment]


class _Steady:
    """Goes over what there is when that begins; a list of a dictionary is made in one step of the interpreter."""

    def __iter__(self) -> Iterator[Any]:
        return iter(list(super().__iter__()))  # type: ignore[misc]

    def keys(self) -> Any:
        return list(super().keys())  # type: ignore[misc]

    def values(self) -> Any:
        return list(super().values())  # type: ignore[misc]

    def items(self) -> Any:
        return list(super().items())  # type: ignore[misc]


class _SteadyDict(_Steady, dict[Any, Any]):
    pass


class _SteadyDefaultDict(_Steady, defaultdict[Any, Any]):
    pass


class _SteadyOrderedDict(_Steady, OrderedDict[Any, Any]):
    pass


def _set_steady(self: BaseBackend, name: str, value: Any) -> None:
    if type(value) is dict:
        value = _SteadyDict(value)
    elif type(value) is defaultdict:
        value = _SteadyDefaultDict(value.default_factory, value)
    elif type(value) is OrderedDict:
        value = _SteadyOrderedDict(value)
    object.__setattr__(self, name, value)
