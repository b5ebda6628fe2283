"""Gunicorn's settings for the web process: loopback unless ``--bind`` says otherwise."""

import logging
import os

from config.log_filters import HideQuery

bind = f"127.0.0.1:{os.environ.get('PORT', '8000')}"
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "1"))
threads = 8
timeout = 60
graceful_timeout = 20
forwarded_allow_ips = "127.0.0.1"
control_socket_disable = True
loglevel = os.environ.get("LOG_LEVEL", "WARNING").lower()

# Sign-in links carry a token in their query string, so requests are not logged. Where somebody
# turns the access log on, it names the path only: no query string, no referrer.
accesslog = None
access_log_format = "%(h)s %(m)s %(U)s %(s)s %(B)s %(L)s"

# Gunicorn's own errors name the request with its query string.
logging.getLogger("gunicorn.error").addFilter(HideQuery())
