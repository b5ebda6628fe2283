"""Log lines without secrets. Loads no models, so that LOGGING may name it."""

import logging

from celery_uncovered.jobs.masking.text import mask_text


class MaskingFormatter(logging.Formatter):
    """Python's own formatter, with the message, the traceback and the stack masked."""

    def format(self, record: logging.LogRecord) -> str:
        return mask_text(super().format(record))
