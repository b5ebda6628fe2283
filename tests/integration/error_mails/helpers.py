"""What the tests of the error mails call in a stack's own process."""

import contextlib
import logging
import os
import time
from collections import Counter
from typing import NoReturn

from django.db import DatabaseError, connection, transaction

from celery_uncovered.error_mails.keeper import keeper
from celery_uncovered.error_mails.models import Kind

log = logging.getLogger("tests.shop")


class RolledBackError(Exception):
    pass


def fail_in_a_transaction(words: str) -> None:
    """Log an error within a transaction that is rolled back."""
    with contextlib.suppress(RolledBackError), transaction.atomic():
        Kind.objects.count()
        try:
            refuse(words)
        except RolledBackError:
            log.exception("rolled back")
            wait_for_keeper_to_try()
            raise


def refuse(words: str) -> NoReturn:
    raise RolledBackError(words)


def fail_in_an_aborted_transaction(words: str) -> str:
    """Log an error whose statement has spoilt the transaction; what the database says afterwards."""
    with contextlib.suppress(RolledBackError), transaction.atomic():
        with contextlib.suppress(DatabaseError), connection.cursor() as cursor:
            cursor.execute("SELECT nothing FROM nowhere")
        log.error(words)
        wait_for_keeper_to_try()
        try:
            Kind.objects.count()
        except DatabaseError as error:
            return type(error).__name__
    return ""


def wait_for_keeper_to_try() -> None:
    """Until it has stored the error, or, where a transaction keeps it out, for a moment."""
    keeper().flush(0.5)


def fail(words: str, times: int = 1) -> int:
    for _ in range(times):
        log.error(words)
    return keeper().flush(10)


def fail_here_and_in_a_forked_child() -> list[int]:
    """The keeper's thread runs when the child is forked; what was left in both, and the exit code."""
    log.error("here")
    keeper().flush(10)
    connection.close()
    child = os.fork()
    if child == 0:
        try:
            log.error("there")
            os._exit(keeper().flush(10))
        finally:
            os._exit(99)
    log.error("here")
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return [keeper().flush(10), code]


def seconds_of(times: int) -> float:
    """How long logging so many errors takes."""
    began = time.monotonic()
    for _ in range(times):
        log.error("quickly")
    return time.monotonic() - began


def kept() -> dict[str, int]:
    """How many errors came with each sentence."""
    found: Counter[str] = Counter()
    for sentence, count in Kind.objects.values_list("sentence", "count"):
        found[sentence] += count
    return found


def flush(timeout: float = 10) -> int:
    return keeper().flush(timeout)
