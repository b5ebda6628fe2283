from typing import Any

import pytest

from tests.unit.deployment import compose

Services = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return compose.parsed()


@pytest.fixture(scope="module")
def services(document: dict[str, Any]) -> Services:
    found: Services = document["services"]
    return found


@pytest.fixture(scope="module")
def ours(services: Services) -> Services:
    """The services that run the project's own image."""
    return {name: service for name, service in services.items() if "build" in service}
