"""The settings of the stacks, with workflows that leave evidence of all that they do."""

from tests.support.settings import *  # noqa: F403  # Django's layered settings
from tests.support.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.chaos.runs.journeys"]
