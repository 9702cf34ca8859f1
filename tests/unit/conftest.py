"""What the SDK and moto would make anew for every test, although it is the same each time, is made once."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.client import ClientCreator
from botocore.hooks import EventAliaser
from moto.core import models

from local.aws.patches import remembered

SDK: Any = ClientCreator
EVENTS: Any = EventAliaser


def pytest_configure(config: pytest.Config) -> None:
    """Most of what the unit tests would cost: a megabyte about EC2, its 700 methods, what moto has of them."""
    remembered.install()
    SDK._load_service_model = once_for_each(SDK._load_service_model)
    SDK._create_client_class = once_for_each(SDK._create_client_class)
    EVENTS._alias_event_name = once_for_each(EVENTS._alias_event_name)
    # Thousands of addresses for those who call AWS without the SDK, whom there are none of here.
    models.RESPONSES_METHODS.clear()


def once_for_each(make: Callable[..., Any]) -> Callable[..., Any]:
    """A method whose first argument says all: whose it is and what else it is given does not matter."""
    made: dict[str, Any] = {}

    def find_or_make(self: Any, name: str, *more: Any, **options: Any) -> Any:
        if name not in made:
            made[name] = make(self, name, *more, **options)
        return made[name]

    return find_or_make
