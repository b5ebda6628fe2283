"""A grown installation: its own secret, HTTPS, sign-in for every page."""

from django.core.exceptions import ImproperlyConfigured

from config.settings.base import *
from config.settings.base import STORAGES, env

SECRET_KEY = env.str("SECRET_KEY", default="")
SHORTEST_SECRET = 50
if len(SECRET_KEY) < SHORTEST_SECRET:
    message = (
        f"SECRET_KEY must be set to at least {SHORTEST_SECRET} random characters in production."
    )
    raise ImproperlyConfigured(message)

SESSION_COOKIE_SECURE = env.bool("COOKIES_SECURE", default=True)
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE
SECURE_SSL_REDIRECT = env.bool("SSL_REDIRECT", default=False)
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", default=0)
if env.bool("BEHIND_TLS_PROXY", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
WHITENOISE_USE_FINDERS = False

# Mails hold tokens: they are sent, or fail, but do not go to the log.
vars().update(env.email_url("EMAIL_URL", default="smtp://localhost:25"))
STORAGES = STORAGES | {
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
