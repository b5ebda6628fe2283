"""The settings of the stacks: those of the suite, and an app with tasks for tests."""

from config.settings.test import *  # noqa: F403  # layered, as those of config/settings
from config.settings.test import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.support.app"]
