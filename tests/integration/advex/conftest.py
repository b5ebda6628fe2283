"""A database for each module; the tests' functions run in its process."""

from tests.integration.workflows.conftest import database

__all__ = ["database"]
