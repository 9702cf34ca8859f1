"""What the SDK and moto would make anew for every test, although it is the same each time, is made once."""

from functools import cache
from typing import Any

import botocore.session
import pytest
from botocore.client import ClientCreator
from moto.core import responses


def pytest_configure(config: pytest.Config) -> None:
    """Half of what the unit tests would cost: a megabyte about EC2, its 700 methods, what moto has of them."""
    create_class: Any = ClientCreator._create_client_class  # type: ignore[attr-defined]
    classes: dict[str, type] = {}

    def class_of(creator: ClientCreator, service_name: str, service_model: Any) -> type:
        if service_name not in classes:
            classes[service_name] = create_class(creator, service_name, service_model)
        return classes[service_name]

    ClientCreator._create_client_class = class_of  # type: ignore[attr-defined]
    botocore.session.create_loader = cache(botocore.session.create_loader)
    responses.method_names_from_class = cache(responses.method_names_from_class)  # type: ignore[attr-defined]
