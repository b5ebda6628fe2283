"""Fixtures for tests of one's own workflows.

pytest finds them where the package is installed; else ``-p celery_uncovered.workflows.pytest_plugin``.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from celery_uncovered.workflows.testing import TimeSkipper


@pytest.fixture
def skip_time() -> Iterator["TimeSkipper"]:
    """Runs advance in the test's process, and time passes as the test says. Needs the database."""
    # Models are not ready when pytest loads its plugins.
    from celery_uncovered.workflows.engine.clock import clock  # noqa: PLC0415
    from celery_uncovered.workflows.testing import TimeSkipper  # noqa: PLC0415

    before = clock.ahead
    yield TimeSkipper()
    clock.ahead = before
