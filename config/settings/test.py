"""The test suite: embedded by default, in a folder of its own; the fixtures choose servers."""

import atexit
import os
import shutil
import sys
import tempfile
from unittest.mock import patch

import environ
from django.core.management.utils import get_random_secret_key

environment: dict[str, str] = dict(os.environ)
if "pytest" in sys.modules and "STACK" not in os.environ:
    # What the caller of pytest has set chooses nothing; only the fixtures of tests/stacks.py do.
    folder = tempfile.mkdtemp(prefix="celery-uncovered-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    environment = {"DATA_DIR": folder}

# Nor does a developer's .env.
with patch.object(environ.Env, "ENVIRON", environment), patch.object(environ.Env, "read_env"):
    from config.settings.base import *
    from config.settings.base import ADMINS, LOGGING, env

    SECRET_KEY = env.str("SECRET_KEY", default="") or get_random_secret_key()
    REMINDERS_PAGE = True
    JOBS_OPEN_ON_LOOPBACK = env.bool("JOBS_OPEN_ON_LOOPBACK", default=False)

if not ADMINS:
    # Tests that are about something else provoke errors, and need no second thread at the database.
    LOGGING["handlers"].pop("error_mails")
    LOGGING["root"]["handlers"].remove("error_mails")

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
