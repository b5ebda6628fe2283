"""Settings that every way of running shares; the environment chooses the rest.

With an empty environment everything is embedded: SQLite in WAL mode and the filesystem broker,
both below ``DATA_DIR``. ``DATABASE_URL`` and ``CELERY_BROKER_URL`` choose servers instead.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import environ
from csp.constants import NONE, SELF

from config.settings.celery import broker_settings
from config.settings.people import people_in

BASE_DIR = Path(__file__).resolve().parent.parent.parent
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")

DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var"))).resolve()

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1"])
DEBUG = False

INSTALLED_APPS = [
    "celery_uncovered.toyex",
    "celery_uncovered.tricks",
    "celery_uncovered.advex",
    "celery_uncovered.error_mails",
    "celery_uncovered.dashboard",
    "celery_uncovered.workflows",
    "celery_uncovered.jobs",
    "django_celery_beat",
    "django_celery_results",
    "csp",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "celery_uncovered.jobs.web.plain_text.refuse_nul",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- database -----------------------------------------------------------------------------------
#: Seconds a job stays claimed by a node that has stopped beating.
JOBS_LEASE_SECONDS = env.int("JOBS_LEASE_SECONDS", default=30)

DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'db.sqlite3'}"),
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A waiting writer gives up before a third of the lease, so that a worker that cannot write
    # notices while its claims still hold.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": max(1, JOBS_LEASE_SECONDS // 3 - 1),
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # Statements that come again are planned once. What pools the connections of several clients must
    # know prepared statements (PgBouncer from 1.21 on); DATABASE_URL does without by
    # "?prepare_threshold=None".
    OPTIONS = DATABASES["default"].setdefault("OPTIONS", {})
    if OPTIONS.setdefault("prepare_threshold", 5) == "None":
        OPTIONS["prepare_threshold"] = None
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- files --------------------------------------------------------------------------------------
STATIC_URL = "static/"
# Assets are served from the apps, with nothing to collect first; production collects them.
WHITENOISE_USE_FINDERS = True
STATIC_ROOT = env.str("STATIC_ROOT", default=str(BASE_DIR / "staticfiles"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    # Files that jobs made: never below a public address.
    "artifacts": {
        "BACKEND": "celery_uncovered.jobs.storage.DurableFileSystemStorage",
        "OPTIONS": {"location": str(DATA_DIR / "artifacts"), "file_permissions_mode": 0o600},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
#: How long a file that a job made is kept.
JOBS_ARTIFACT_LIFETIME = timedelta(days=env.int("JOBS_ARTIFACT_DAYS", default=30))
#: Days after which jobs that succeeded or were cancelled are removed, with all that is theirs; 0 never.
JOBS_KEEP_DAYS = env.float("JOBS_KEEP_DAYS", default=30)
#: The same for failed jobs, once somebody has discarded them.
JOBS_KEEP_FAILED_DAYS = env.float("JOBS_KEEP_FAILED_DAYS", default=90)
#: What jobs inherit from where they are submitted: the active language, and whose work it is.
JOBS_SCOPE = {"locale": "celery_uncovered.jobs.scope.Locale", "tenant": None}
#: From which level on what tasks log is in their logs, whatever the console shows.
JOBS_LOG_LEVEL = env.str("JOBS_LOG_LEVEL", default="INFO").upper()
#: The most that the ledger keeps of a job's log, in bytes: its beginning and its end; 0 nothing.
JOBS_LOG_MAX_BYTES = env.int("JOBS_LOG_MAX_BYTES", default=256 * 1024)
#: Where each task has a file: its size in bytes, and how many full ones stay beside it.
JOBS_LOG_DIR = env.str("JOBS_LOG_DIR", default="") or str(DATA_DIR / "log/tasks")
JOBS_LOG_FILE_BYTES = env.int("JOBS_LOG_FILE_BYTES", default=10 * 1024 * 1024)
JOBS_LOG_FILES = env.int("JOBS_LOG_FILES", default=5)
#: The largest message body (arguments and callbacks together) that submit accepts, in bytes.
JOBS_MAX_BODY_BYTES = 8 * 1024 * 1024
#: Names, beside password, token and the like, whose values are secrets in arguments, logs and mails.
JOBS_SECRET_NAMES: list[str] = []

# --- people -------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "sesame.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
SESAME_TOKENS = ["sesame.tokens_v2"]
SESAME_ONE_TIME = True
SESAME_MAX_AGE = timedelta(minutes=10)
LOGIN_URL = "dashboard:sign-in"
LOGIN_REDIRECT_URL = "/"
#: True lets any browser on loopback use the report page and read report jobs (local settings only).
JOBS_OPEN_ON_LOOPBACK = False

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "celery_uncovered.jobs.web.refusals.csrf_failure"
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    },
}

# --- language, time, mail -----------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_I18N = True
USE_TZ = True

#: Where people reach the pages: the start of the links in mails.
SITE_URL = env.str("SITE_URL", default="http://127.0.0.1:8000").rstrip("/")
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="reports@localhost")
vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
EMAIL_TIMEOUT = 20
#: Who is told of errors, in pairs of name and address; nobody by default.
ADMINS = people_in(env.str("ADMINS", default=""))
SERVER_EMAIL = env.str("SERVER_EMAIL", default="errors@localhost")
EMAIL_SUBJECT_PREFIX = "[Celery Uncovered] "

# --- GitHub -------------------------------------------------------------------------------------
GITHUB_OAUTH = env.str("GITHUB_OAUTH", default="")
GITHUB_STANDIN_PORT = env.int("GITHUB_STANDIN_PORT", default=8009)
GITHUB_API_URL = env.str(
    "GITHUB_API_URL",
    default="https://api.github.com" if GITHUB_OAUTH else f"http://127.0.0.1:{GITHUB_STANDIN_PORT}",
)

#: Whether that address serves the recorded data, whose today is a day of the past.
GITHUB_RECORDED = env.bool(
    "GITHUB_RECORDED", default=not (GITHUB_OAUTH or env.str("GITHUB_API_URL", default=""))
)
#: Seconds to wait where a limit of GitHub names no time, and before a failed page is tried again.
GITHUB_MINIMUM_WAIT = env.float("GITHUB_MINIMUM_WAIT", default=60.0)
GITHUB_RETRY_SECONDS = env.float("GITHUB_RETRY_SECONDS", default=2.0)
#: Seconds without a byte of an answer after which a request has failed.
GITHUB_READ_TIMEOUT = env.float("GITHUB_READ_TIMEOUT", default=15.0)

# --- payments -----------------------------------------------------------------------------------
PAYMENTS_STANDIN_PORT = env.int("PAYMENTS_STANDIN_PORT", default=8010)
PAYMENTS_GATEWAY_URL = env.str(
    "PAYMENTS_GATEWAY_URL", default=f"http://127.0.0.1:{PAYMENTS_STANDIN_PORT}"
)
PAYMENTS_GATEWAY_TOKEN = env.str("PAYMENTS_GATEWAY_TOKEN", default="")
#: Whether that address is the stand-in's, which moves no money.
PAYMENTS_STANDIN = env.bool(
    "PAYMENTS_STANDIN", default=not env.str("PAYMENTS_GATEWAY_URL", default="")
)
#: Seconds without a byte of an answer after which a request has failed, and before it is repeated first.
PAYMENTS_READ_TIMEOUT = env.float("PAYMENTS_READ_TIMEOUT", default=10.0)
PAYMENTS_RETRY_SECONDS = env.float("PAYMENTS_RETRY_SECONDS", default=2.0)
#: Seconds that a payment may stay as it is before the periodic tasks look after it.
PAYMENTS_GRACE_SECONDS = env.float("PAYMENTS_GRACE_SECONDS", default=60.0)

# --- pull-request reminders ---------------------------------------------------------------------
#: What GitHub signs its webhooks by; without one every webhook is refused.
GITHUB_WEBHOOK_SECRET = env.str("GITHUB_WEBHOOK_SECRET", default="")
SLACK_STANDIN_PORT = env.int("SLACK_STANDIN_PORT", default=8011)
#: Whether the chat is the stand-in, which has no people in it.
SLACK_STANDIN = not (env.str("SLACK_TOKEN", default="") or env.str("SLACK_API_URL", default=""))
SLACK_API_URL = env.str("SLACK_API_URL", default="") or (
    f"http://127.0.0.1:{SLACK_STANDIN_PORT}/api" if SLACK_STANDIN else "https://slack.com/api"
)
#: A bot's token. The stand-in's is no secret.
SLACK_TOKEN = env.str("SLACK_TOKEN", default="") or "stand-in"
#: Seconds without a byte of an answer after which a request has failed.
SLACK_READ_TIMEOUT = env.float("SLACK_READ_TIMEOUT", default=10.0)
#: Seconds between two reminders: a day.
REMINDERS_EVERY_SECONDS = env.float("REMINDERS_EVERY_SECONDS", default=86_400.0)
#: Whether operators have a page that sends recorded webhooks; never in production.
REMINDERS_PAGE = False

# --- Celery -------------------------------------------------------------------------------------
vars().update(broker_settings(env.str("CELERY_BROKER_URL", default=""), DATA_DIR))

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {
            "class": "celery_uncovered.jobs.masking.logs.MaskingFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        },
    },
    "filters": {"hide_query": {"()": "config.log_filters.HideQuery"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "plain",
            "filters": ["hide_query"],
        },
        # Mailed to ADMINS by a worker; no request waits for it.
        "error_mails": {
            "class": "celery_uncovered.error_mails.handler.ErrorMailHandler",
            "level": "ERROR",
            "filters": ["hide_query"],
        },
    },
    "loggers": {
        # Django gives its loggers handlers of their own: one mails errors within the request.
        "django": {"handlers": []},
        "django.server": {"handlers": ["console"], "propagate": False},
    },
    "root": {
        "handlers": ["console", "error_mails"],
        "level": env.str("LOG_LEVEL", default="WARNING"),
    },
}
