"""The suite's settings, with the places of ``stalls`` where a test can hold a process."""

from typing import Any

from config.settings.test import *  # noqa: F403  # Django's layered settings
from config.settings.test import STORAGES
from tests.acceptance import stalls

_storages: dict[str, Any] = STORAGES
_storages["artifacts"]["BACKEND"] = "tests.acceptance.stalls.StallingStorage"
stalls.connect()
