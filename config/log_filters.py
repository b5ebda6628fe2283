"""What no log may hold: sign-in links carry their token in the query string."""

import logging
import re

_WEB_LOGGERS = ("django.", "gunicorn.")


class HideQuery(logging.Filter):
    """Cuts the query string off the addresses in what the web process logs of its requests."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith(_WEB_LOGGERS):
            record.msg, record.args = re.sub(r"\?\S*", "?...", record.getMessage()), ()
        return True
