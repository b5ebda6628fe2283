"""The whole suite: its plugins, and an environment that the caller's does not reach."""

import os

from django.conf import settings
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis

pytest_plugins = [
    "tests.plugins.session",
    "tests.plugins.stacks",
    "tests.plugins.behaviours",
    # Whoever installs the package has it by its entry point.
    "celery_uncovered.workflows.pytest_plugin",
]

# A machine that is busy is no finding.
hypothesis.register_profile(
    "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
hypothesis.load_profile("patient")

# config.settings.test ignores these; the commands that tests start with os.environ would not.
for name in (
    "DATABASE_URL",
    "CELERY_BROKER_URL",
    "GITHUB_OAUTH",
    "GITHUB_API_URL",
    "SLACK_TOKEN",
    "SLACK_API_URL",
    "EMAIL_URL",
):
    os.environ.pop(name, None)
os.environ["DATA_DIR"] = str(settings.DATA_DIR)
