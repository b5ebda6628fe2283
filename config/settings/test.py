"""The test suite: embedded by default, in a folder of its own; the fixtures choose servers."""

from django.core.management.utils import get_random_secret_key

from config.settings.base import *
from config.settings.base import env

SECRET_KEY = env.str("SECRET_KEY", default="") or get_random_secret_key()
JOBS_OPEN_ON_LOOPBACK = env.bool("JOBS_OPEN_ON_LOOPBACK", default=False)
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
