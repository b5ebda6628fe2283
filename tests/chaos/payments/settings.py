"""The settings of the stacks, with gates at which a process of the payments dies."""

from tests.support.settings import *  # noqa: F403  # Django's layered settings
from tests.support.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.chaos.payments.gates"]
