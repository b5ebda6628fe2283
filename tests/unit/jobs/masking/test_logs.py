"""Log lines lose their secrets in whatever of them they stand."""

import io
import logging
import logging.config
import sys

from django.conf import settings

from celery_uncovered.jobs.masking import MASK
from celery_uncovered.jobs.masking.logs import MaskingFormatter


def test_message_arguments_traceback_and_stack_are_masked() -> None:
    # given
    try:
        int("token=hunter2")
    except ValueError:
        record = logging.LogRecord(
            "a", logging.ERROR, __file__, 1, "token=%s for %s", ("abc", "bob"), sys.exc_info()
        )
    record.stack_info = "Stack: api_key='xyz'"
    # when
    line = MaskingFormatter("%(levelname)s %(message)s").format(record)
    # then
    assert line.startswith(f"ERROR token={MASK} for bob\n")
    assert "ValueError: invalid literal for int() with base 10: 'token=********'" in line
    assert line.endswith("Stack: api_key='********'")
    assert not any(secret in line for secret in ("abc", "hunter2", "xyz"))


def test_the_settings_of_this_project_use_it_for_all_they_print() -> None:
    # given
    stream = io.StringIO()
    console = {**settings.LOGGING["handlers"]["console"], "stream": stream}
    config = {**settings.LOGGING, "handlers": {"console": console}, "loggers": {}}
    root = logging.getLogger()
    before = root.handlers[:], root.level
    # when
    try:
        logging.config.dictConfig(config)
        logging.getLogger("some.where").error("password=hunter2")
    finally:
        root.handlers[:], root.level = before
    # then
    assert stream.getvalue().endswith(f"ERROR some.where password={MASK}\n")
