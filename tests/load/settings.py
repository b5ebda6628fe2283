"""The settings of the stacks, with pages that break."""

from tests.support.settings import *  # noqa: F403  # layered, as those of config/settings

ROOT_URLCONF = "tests.load.urls"
