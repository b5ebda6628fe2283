"""The settings of the suite, under which a test can skip time for the runs of other processes."""

from config.settings.test import *  # noqa: F403  # layered, as those of config/settings
from config.settings.test import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.support.skipping"]
