"""The settings of the stacks: those of the suite, and an app with tasks for tests."""

import os

from config.settings.test import *  # noqa: F403  # layered, as those of config/settings
from config.settings.test import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.support.app"]

#: A test need not wait as long as people do.
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = float(os.environ.get("SOFT_SHUTDOWN_SECONDS", "10"))
