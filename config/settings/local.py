"""A developer's machine: loopback only, mails as files, secrets that `make up` wrote once."""

from config.settings.base import *
from config.settings.base import ADMINS, DATA_DIR, env
from config.settings.secret import keep_private, read_or_write_secret

keep_private(DATA_DIR)
SECRET_KEY = env.str("SECRET_KEY", default="") or read_or_write_secret(DATA_DIR / "secret_key")
GITHUB_WEBHOOK_SECRET = env.str("GITHUB_WEBHOOK_SECRET", default="") or read_or_write_secret(
    DATA_DIR / "github_webhook_secret"
)
REMINDERS_PAGE = True
ALLOWED_HOSTS = ["localhost", "127.0.0.1"]
JOBS_OPEN_ON_LOOPBACK = True

ADMINS = ADMINS or [("", "admin@localhost")]
if not env.str("EMAIL_URL", default=""):
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = str(DATA_DIR / "mail")
