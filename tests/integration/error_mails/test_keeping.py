"""An error is kept whatever becomes of the transaction, the process or the database it came in."""

import json
import time
from collections.abc import Callable

from tests.integration.error_mails import helpers
from tests.stacks import Stack
from tests.support.outages import database_gone, database_unanswering

Mailing = Callable[[Stack], Stack]


def test_an_error_in_a_transaction_that_rolls_back_is_kept(stack: Stack, mailing: Mailing) -> None:
    mailing(stack).call(helpers.fail_in_a_transaction, "out of paper")
    assert stack.call(helpers.flush) == 0
    assert stack.call(helpers.kept) == {"RolledBackError: out of paper (rolled back)": 1}


def test_an_error_in_an_aborted_transaction_is_kept(stack: Stack, mailing: Mailing) -> None:
    said = mailing(stack).call(helpers.fail_in_an_aborted_transaction, "spoilt")
    assert said == ("InternalError" if stack.postgres else ""), "SQLite spoils no transaction"
    assert stack.call(helpers.flush) == 0
    assert stack.call(helpers.kept) == {"spoilt": 1}


def test_a_forked_child_keeps_errors_with_a_connection_of_its_own(
    stack: Stack, mailing: Mailing
) -> None:
    assert mailing(stack).call(helpers.fail_here_and_in_a_forked_child) == [0, 0]
    assert stack.call(helpers.kept) == {"here": 2, "there": 1}
    assert stack.call(helpers.fail, "here") == 0, "the parent's connection is as it was"


END_AT_ONCE = """
import logging
import time
for _ in range(100):
    logging.getLogger("tests.shop").error("at the end")
result = time.time()
"""


def test_a_process_that_ends_stores_what_it_has(stack: Stack, mailing: Mailing) -> None:
    mailing(stack).script(END_AT_ONCE)
    assert stack.call(helpers.kept) == {"at the end": 100}


def test_a_process_that_ends_without_a_database_ends_all_the_same_and_says_so(
    new_stack: Callable[..., Stack], mailing: Mailing
) -> None:
    stack = mailing(new_stack("servers", own_servers=True))
    with database_unanswering(stack):
        done = stack.script(END_AT_ONCE)
        assert time.time() - json.loads(done.stdout) < 4
    assert "100 errors could not be stored before the process ended." in done.stderr


def test_logging_does_not_wait_for_a_database_that_is_away_and_every_error_counts(
    new_stack: Callable[..., Stack], mailing: Mailing
) -> None:
    for name in ("embedded", "servers"):
        stack = mailing(new_stack(name, own_servers=name == "servers"))
        assert stack.call(helpers.fail, "before") == 0
        with database_gone(stack):
            assert stack.call(helpers.seconds_of, 5000) < 8
        assert stack.call(helpers.flush, 60) == 0
        assert stack.call(helpers.kept) == {"before": 1, "quickly": 5000}
